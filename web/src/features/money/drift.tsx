import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { keysQuery, type UpstreamKey } from "@/features/upstream/queries";
import { Watermarks } from "@/features/upstream/watermarks";
import { credits } from "@/lib/format";
import { Answer } from "@/ui/answer";
import { Moment } from "@/ui/moment";
import { Empty } from "@/ui/notices";
import { Badge, Section, Table } from "@/ui/table";

/** Whether the upstream accounts and the ledger agree, and for how long the accounts last. */
export function Drift() {
  const query = useQuery(keysQuery);
  return (
    <Answer query={query} what="the upstream accounts">
      {({ data }) =>
        data.length === 0 ? (
          <Empty title="No worker has an upstream key">There is no account to compare with.</Empty>
        ) : (
          <>
            <Section title="Accounts" aside={<Look />}>
              <Accounts keys={data} />
            </Section>
            {data.map((key) => (
              <Section key={key.label} title={`${key.label} beside the ledger`}>
                <Watermarks label={key.label} />
              </Section>
            ))}
          </>
        )
      }
    </Answer>
  );
}

function Look() {
  return (
    <Link to="/desk/upstream" className="text-sm text-accent underline">
      To the upstream keys
    </Link>
  );
}

function Accounts({ keys }: { keys: UpstreamKey[] }) {
  return (
    <Table
      caption="Upstream accounts"
      heads={["Key", "Used", "Limit", "Surely left", "In money", "A day", "Days left", "Unexplained, last day", "As of"]}
    >
      {keys.map(({ label, watermark: mark }) => (
        <tr key={label}>
          <th scope="row" className="font-medium">
            {label}
          </th>
          {mark ? (
            <>
              <td>{credits(mark.used_credits)}</td>
              <td>{credits(mark.credit_limit)}</td>
              <td>{credits(mark.remaining_credits)}</td>
              <td className="whitespace-nowrap">
                {mark.remaining_money
                  ? `${mark.remaining_money.amount} ${mark.remaining_money.currency}`
                  : "no price set"}
              </td>
              <td>{mark.credits_per_day === null ? "–" : credits(mark.credits_per_day)}</td>
              <td>{mark.days_left === null ? "not known" : mark.days_left.toFixed(1)}</td>
              <td>
                {mark.unexplained_credits > 0 ? (
                  <Badge look="bad">{credits(mark.unexplained_credits)}</Badge>
                ) : (
                  "none"
                )}
              </td>
              <td className="whitespace-nowrap">
                <Moment at={mark.observed_at} />
              </td>
            </>
          ) : (
            <td colSpan={8}>not known: no answer had its figures yet</td>
          )}
        </tr>
      ))}
    </Table>
  );
}
