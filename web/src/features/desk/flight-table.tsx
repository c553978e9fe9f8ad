import type { Schemas } from "@/api/client";
import { credits, seconds } from "@/lib/format";
import { Copy } from "@/ui/copy";
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
export function why({ waiting, progress, unknown_reason }: Generation): string {
  if (unknown_reason) return unknown_reason;
  if (!waiting)
    return progress.p50_seconds === null ? "" : `usually ${seconds(progress.p50_seconds)}`;
  const place = waiting.queue_position === null ? "" : `number ${waiting.queue_position}, `;
  return place + WAITS[waiting.reason];
}

export function FlightTable({ caption, list }: { caption: string; list: Generation[] }) {
  return (
    <Table
      caption={caption}
      heads={["Generation", "State", "Why", "Of", "Model", "Requested", "Age", "Held"]}
    >
      {list.map((one) => (
        <tr key={one.id}>
          <td className="whitespace-nowrap">
            <Copy what="id" text={one.id} />
          </td>
          <td>
            <StateBadge state={one.state} />
          </td>
          <td>{why(one)}</td>
          <td className="whitespace-nowrap">
            {one.team}/{one.member}
          </td>
          <td className="whitespace-nowrap">{one.spec.model}</td>
          <td className="whitespace-nowrap">
            <Moment at={one.created_at} />
          </td>
          <td className="whitespace-nowrap">{seconds(one.progress.elapsed_seconds)}</td>
          <td>{credits(one.quote_credits)}</td>
        </tr>
      ))}
    </Table>
  );
}
