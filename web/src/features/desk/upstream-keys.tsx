import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import { credits } from "@/lib/format";
import { Answer } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Deed } from "@/ui/deed";
import { Reason } from "@/ui/field";
import { Moment } from "@/ui/moment";
import { Empty } from "@/ui/notices";
import { Badge, Section, Table } from "@/ui/table";
import { keyMutation, upstreamQuery } from "./queries";

type Key = Schemas["UpstreamKey"];

const LOOKS: Record<Schemas["KeyState"], "good" | "warning" | "bad"> = {
  active: "good",
  paused: "warning",
  set_aside: "bad",
};

/** State and reason of a key, with what the breaker adds. */
export function stands(key: Key): string {
  return [
    key.reason,
    key.breaker !== "closed" && `breaker ${key.breaker.replace("_", " ")}`,
    key.breaker_failures > 0 && `${key.breaker_failures} failures in a row`,
    key.test?.result && key.test.result !== "ok" && `last test: ${key.test.result}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

export function UpstreamKeys() {
  const query = useQuery(upstreamQuery);
  const [of, setOf] = useState<Key | null>(null);
  return (
    <Section title="Upstream keys">
      <Answer query={query} what="the upstream keys">
        {({ data }) =>
          data.length === 0 ? (
            <Empty title="There is no upstream key">Without one nothing can be made.</Empty>
          ) : (
            <KeyTable keys={data} onDeed={setOf} />
          )
        }
      </Answer>
      {of && <Turn of={of} onClose={() => setOf(null)} />}
    </Section>
  );
}

export function KeyTable({ keys, onDeed }: { keys: Key[]; onDeed: (of: Key) => void }) {
  return (
    <Table
      caption="Upstream keys"
      heads={["Key", "State", "Why", "This minute", "Credits left", "Days left", "Looked at", "Unexplained", ""]}
    >
      {keys.map((key) => (
        <tr key={key.label}>
          <th scope="row" className="font-medium">
            {key.label} <span className="font-mono text-xs text-muted">{key.fingerprint}</span>
          </th>
          <td>
            <Badge look={LOOKS[key.state]}>{key.state.replace("_", " ")}</Badge>
          </td>
          <td>{stands(key)}</td>
          <td className="whitespace-nowrap">
            {key.minute.used} of {key.minute.limit}
          </td>
          <td>{key.watermark ? credits(key.watermark.remaining_credits) : "not known yet"}</td>
          <td>{key.watermark?.days_left?.toFixed(1) ?? "–"}</td>
          <td className="whitespace-nowrap">
            {key.watermark ? <Moment at={key.watermark.observed_at} /> : "never"}
          </td>
          <td>{key.watermark ? credits(key.watermark.unexplained_credits) : "–"}</td>
          <td className="text-right">
            <Button look="quiet" aria-label={`${turn(key).act} ${key.label}`} onClick={() => onDeed(key)}>
              {turn(key).act}
            </Button>
          </td>
        </tr>
      ))}
    </Table>
  );
}

function turn(key: Key): { deed: "pause" | "return"; act: string; effect: string } {
  return key.state === "active"
    ? { deed: "pause", act: "Pause", effect: "Nothing more is sent with it. What was sent is finished." }
    : { deed: "return", act: "Use again", effect: "Videos are sent with it again, and paid from its account." };
}

function Turn({ of, onClose }: { of: Key; onClose: () => void }) {
  const queries = useQueryClient();
  const { deed, act, effect } = turn(of);
  const change = useMutation({
    ...keyMutation(of.label, deed),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: upstreamQuery.queryKey });
      onClose();
    },
  });
  return (
    <Deed
      title={`${act}: the upstream key ${of.label}`}
      act={act}
      danger={deed === "pause"}
      pending={change.isPending}
      error={change.error}
      onSubmit={(filled) => change.mutate({ reason: filled.text("reason") })}
      onClose={onClose}
    >
      <p className="text-muted">{effect}</p>
      <Reason />
    </Deed>
  );
}
