import { useInfiniteQuery } from "@tanstack/react-query";
import { credits } from "@/lib/format";
import { Answer, More } from "@/ui/answer";
import { Moment } from "@/ui/moment";
import { Empty } from "@/ui/notices";
import { Badge, Table } from "@/ui/table";
import { type Interval, intervalsQuery } from "./queries";
import { driftOf, ledgerOf, limitChangeOf } from "./words";

/** What 1min.ai said of an account beside the ledger, newest first. */
export function Watermarks({ label }: { label: string }) {
  const list = useInfiniteQuery(intervalsQuery(label));
  return (
    <div className="mt-2">
      <Answer query={list} what={`how the account of ${label} changed`}>
        {({ pages }) => {
          const intervals = pages.flatMap((page) => page.data);
          return intervals.length === 0 ? (
            <Empty title="No answer had its figures yet">They come with the first video.</Empty>
          ) : (
            <>
              <IntervalTable label={label} intervals={intervals} />
              <More list={list} />
            </>
          );
        }}
      </Answer>
    </div>
  );
}

export function IntervalTable({ label, intervals }: { label: string; intervals: Interval[] }) {
  return (
    <Table
      caption={`How the account of ${label} changed`}
      heads={["Until", "Since", "Used upstream", "In the ledger", "Drift", "Limit", "Used of it"]}
    >
      {intervals.map((one) => {
        const drift = driftOf(one);
        const change = limitChangeOf(one);
        return (
          <tr key={one.until}>
            <td className="whitespace-nowrap">
              <Moment at={one.until} />
            </td>
            <td className="whitespace-nowrap">{one.since ? <Moment at={one.since} /> : "the first"}</td>
            <td>{one.upstream_credits === null ? "–" : credits(one.upstream_credits)}</td>
            <td className="whitespace-nowrap">{ledgerOf(one)}</td>
            <td>{drift ? <Badge look={drift.look}>{drift.said}</Badge> : "none"}</td>
            <td className="whitespace-nowrap">
              {credits(one.credit_limit)} {change && <Badge look="good">{change}</Badge>}
            </td>
            <td>{credits(one.used_credits)}</td>
          </tr>
        );
      })}
    </Table>
  );
}
