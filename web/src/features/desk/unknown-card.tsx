import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import { credits } from "@/lib/format";
import { Button } from "@/ui/button";
import { Copy } from "@/ui/copy";
import { Fact, Facts } from "@/ui/facts";
import { Moment } from "@/ui/moment";
import { Resolve } from "./resolve";
import { Said } from "./said";

type Unknown = Schemas["Unknown"];

/** What is known of it, side by side, and what can be done. */
export function UnknownCard({
  of,
  operates,
  chosen,
  onChoose,
  onDone,
}: {
  of: Unknown;
  operates: boolean;
  chosen: boolean;
  onChoose: (chosen: boolean) => void;
  onDone: (said: string) => void;
}) {
  const [resolving, setResolving] = useState(false);
  return (
    <article className="rounded-lg border border-border p-4">
      <div className="flex flex-wrap items-start justify-between gap-2">
        <h2 className="min-w-0 font-semibold break-words">
          <Link to="/desk/generations/$id" params={{ id: of.id }} className="hover:underline">
            {of.spec.prompt ?? of.feature}
          </Link>
        </h2>
        <div className="flex flex-wrap items-center gap-2">
          {operates && (
            <label className="flex items-center gap-2 text-sm">
              <input
                type="checkbox"
                checked={chosen}
                onChange={(event) => onChoose(event.target.checked)}
              />
              choose
            </label>
          )}
          <Copy what="id" text={of.id} />
        </div>
      </div>
      <Facts>
        <Fact name="Of">
          {of.team}/{of.member}
        </Fact>
        <Fact name="Model">{of.spec.model}</Fact>
        <Fact name="Why unknown">{of.unknown_reason ?? "not said"}</Fact>
        <Fact name="Unknown since">
          {of.unknown_since ? <Moment at={of.unknown_since} /> : "not said"}
        </Fact>
        <Fact name="Sent">{of.submitted_at ? <Moment at={of.submitted_at} /> : "perhaps"}</Fact>
        <Fact name="Tries">
          {of.submission_count} sent, {of.poll_count} times asked how it stands
        </Fact>
        {operates && (
          <>
            <Fact name="Upstream key">{of.upstream_key ?? "none"}</Fact>
            <Fact name="Upstream's id">{of.upstream_id ?? "it gave none"}</Fact>
          </>
        )}
        <Fact name="Held">{credits(of.quote_credits)} credits</Fact>
      </Facts>
      {operates && of.has_upstream_answer && <Said id={of.id} />}
      {operates && (
        <Button className="mt-4" onClick={() => setResolving(true)}>
          Resolve
        </Button>
      )}
      {resolving && (
        <Resolve
          of={of}
          onDone={(said) => {
            setResolving(false);
            onDone(said);
          }}
          onClose={() => setResolving(false)}
        />
      )}
    </article>
  );
}
