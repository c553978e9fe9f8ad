import { Link } from "@tanstack/react-router";
import type { Schemas } from "@/api/client";
import { credits, seconds } from "@/lib/format";
import { Moment } from "@/ui/moment";
import { StateBadge } from "@/ui/state-badge";
import { Table } from "@/ui/table";

type Generation = Schemas["ManagedGeneration"];

const WAITS: Record<Schemas["WaitingReason"], string> = {
  queue: "for its turn",
  paused: "sending is paused",
  upstream_unavailable: "the upstream does not answer",
};

/** Why it is where it is. */
export function why({ waiting, progress, unknown_reason, error }: Generation): string {
  if (unknown_reason) return unknown_reason;
  if (error) return error.code;
  if (!waiting)
    return progress.p50_seconds === null ? "" : `usually ${seconds(progress.p50_seconds)}`;
  const place = waiting.queue_position === null ? "" : `number ${waiting.queue_position}, `;
  return place + WAITS[waiting.reason];
}

/** Seconds from the request to its end, or to `at`, in milliseconds. */
export function age({ created_at, finished_at }: Generation, at: number): number {
  const until = finished_at === null ? at : Date.parse(finished_at);
  return Math.max(0, until - Date.parse(created_at)) / 1000;
}

/** What it cost, or holds. */
export function cost({ settled_credits, quote_credits, finished_at }: Generation): string {
  if (settled_credits !== null) return credits(settled_credits);
  return finished_at === null ? `${credits(quote_credits)} held` : "0";
}

export function GenerationTable({
  caption,
  list,
  at,
}: {
  caption: string;
  list: Generation[];
  at: number;
}) {
  return (
    <Table
      caption={caption}
      heads={["Generation", "State", "Why", "Of", "Key", "Model", "Requested", "Took", "Credits"]}
    >
      {list.map((one) => (
        <tr key={one.id}>
          <td className="whitespace-nowrap">
            <Link
              to="/desk/generations/$id"
              params={{ id: one.id }}
              title={one.id}
              className="font-mono text-xs text-accent underline"
            >
              {one.id.slice(0, 8)}
            </Link>
          </td>
          <td>
            <StateBadge state={one.state} />
          </td>
          <td>{why(one)}</td>
          <td className="whitespace-nowrap">
            {one.team}/{one.member}
          </td>
          <td className="font-mono text-xs whitespace-nowrap">{one.key_prefix}…</td>
          <td className="whitespace-nowrap">{one.spec.model}</td>
          <td className="whitespace-nowrap">
            <Moment at={one.created_at} />
          </td>
          <td className="whitespace-nowrap">{seconds(age(one, at))}</td>
          <td className="whitespace-nowrap">{cost(one)}</td>
        </tr>
      ))}
    </Table>
  );
}
