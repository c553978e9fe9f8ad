import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import type { Schemas } from "@/api/client";
import { credits } from "@/lib/format";
import { Answer } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Copy } from "@/ui/copy";
import { Moment } from "@/ui/moment";
import { answerQuery } from "./queries";
import { Resolve } from "./resolve";

type Unknown = Schemas["Unknown"];

/** What is known of it, side by side, and what can be done. */
export function UnknownCard({
  of,
  operates,
  onDone,
}: {
  of: Unknown;
  operates: boolean;
  onDone: (said: string) => void;
}) {
  const [resolving, setResolving] = useState(false);
  return (
    <article className="rounded-lg border border-border p-4">
      <div className="flex flex-wrap items-start justify-between gap-2">
        <h2 className="min-w-0 font-semibold break-words">{of.spec.prompt ?? of.feature}</h2>
        <div className="flex items-center">
          <Copy what="id" text={of.id} />
        </div>
      </div>
      <dl className="mt-3 grid gap-x-6 gap-y-3 text-sm sm:grid-cols-2 lg:grid-cols-4">
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
      </dl>
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

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-muted">{name}</dt>
      <dd className="break-words">{children}</dd>
    </div>
  );
}

/** The upstream's own words. They may name the account, so they are fetched only for who asks. */
function Said({ id }: { id: string }) {
  const [open, setOpen] = useState(false);
  const query = useQuery({ ...answerQuery(id), enabled: open });
  return (
    <details className="mt-4 text-sm" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="font-medium">What the upstream said</summary>
      {open && (
        <Answer query={query} what="what it said">
          {({ answer }) => (
            <pre
              tabIndex={0}
              className="mt-2 max-h-64 overflow-auto rounded bg-sunken p-3 font-mono text-xs whitespace-pre-wrap"
            >
              {answer ?? "No more than the state says."}
            </pre>
          )}
        </Answer>
      )}
    </details>
  );
}
