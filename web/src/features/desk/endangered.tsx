import { Link } from "@tanstack/react-router";
import type { Schemas } from "@/api/client";
import { span } from "@/lib/format";
import { Moment } from "@/ui/moment";
import { Badge, Section, Table } from "@/ui/table";

/** Below this, somebody should look at the archive today. */
const SOON_SECONDS = 2 * 86_400;

/** Seconds until the upstream's link ends, at this instant in milliseconds. */
export function left({ link_expires_at }: { link_expires_at: string | null }, at: number) {
  return link_expires_at === null ? null : (Date.parse(link_expires_at) - at) / 1000;
}

/** Videos that are made and paid, and not in the archive; the upstream keeps them for seven days. */
export function Endangered({ of, at }: { of: Schemas["Archive"]; at: number }) {
  if (of.endangered.length === 0) return null;
  return (
    <Section title="Not in the archive yet">
      <p className="mb-2 text-sm text-muted">
        {of.pending.count} on their way, {of.set_aside.count} set aside, {of.lost.count} lost. Those
        whose link ends first:
      </p>
      <Table
        caption="Videos that are not in the archive, by the end of their links"
        heads={["Generation", "Of", "State", "Attempts", "Since", "The link ends in"]}
      >
        {of.endangered.map((one) => {
          const seconds = left(one, at);
          return (
            <tr key={one.generation_id}>
              <td>
                <Link
                  to="/desk/generations/$id"
                  params={{ id: one.generation_id }}
                  title={one.generation_id}
                  className="font-mono text-xs text-accent underline"
                >
                  {one.generation_id.slice(0, 8)}
                </Link>
              </td>
              <td className="whitespace-nowrap">
                {one.team}/{one.member}
              </td>
              <td>{one.state.replace("_", " ")}</td>
              <td>{one.attempt_count}</td>
              <td className="whitespace-nowrap">
                <Moment at={one.created_at} />
              </td>
              <td className="whitespace-nowrap">
                {seconds === null ? (
                  "no link is needed"
                ) : (
                  <Badge look={seconds < SOON_SECONDS ? "bad" : "calm"}>
                    {seconds > 0 ? span(seconds) : "it has ended"}
                  </Badge>
                )}
              </td>
            </tr>
          );
        })}
      </Table>
    </Section>
  );
}
