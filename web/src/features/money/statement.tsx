import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Download } from "lucide-react";
import type { ReactNode } from "react";
import { credits } from "@/lib/format";
import { Answer } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Copy } from "@/ui/copy";
import { Moment } from "@/ui/moment";
import { type Statement, statementAddress, statementQuery } from "./queries";
import type { MoneySearch } from "./search";
import { Lines, Totals } from "./statement-lines";

export function StatementOf({
  team,
  month,
  search,
}: {
  team: string;
  month: string;
  search: MoneySearch;
}) {
  const query = useQuery(statementQuery(team, month));
  return (
    <>
      <p className="mt-4">
        <Link
          from="/desk/money"
          search={{ view: "statements", team }}
          className="text-sm text-accent underline"
        >
          All statements
        </Link>
      </p>
      <Answer query={query} what={`the statement of ${month}`}>
        {(statement) => (
          <>
            <div className="mt-2 flex flex-wrap items-center justify-between gap-2">
              <h2 className="text-lg font-semibold">Statement of {month}</h2>
              <Button asChild>
                <a href={statementAddress(team, month)} download={`statement-${month}.csv`}>
                  <Download aria-hidden className="size-4" /> CSV
                </a>
              </Button>
            </div>
            <Facts of={statement} />
            <Totals team={team} month={month} search={search} />
            <Lines team={team} month={month} kind={search.kind} />
          </>
        )}
      </Answer>
    </>
  );
}

function Facts({ of }: { of: Statement }) {
  const facts: [string, ReactNode][] = [
    ["Credits", credits(of.credits)],
    ["Of these, of earlier months", credits(of.earlier_credits)],
    ["Lines", credits(of.lines)],
    ["Unknown outcomes, held", `${credits(of.unknown_credits)} (${of.unknown_generations})`],
    ["Not ended, held", `${credits(of.open_credits)} (${of.open_generations})`],
    ["Ended", <Moment key="ends" at={of.ends_at} />],
    ["Time zone", of.time_zone],
    ["Closed", <Moment key="closed" at={of.closed_at} />],
    ["By", of.actor],
    ["SHA-256 of the CSV", <Copy key="sha" what="checksum" text={of.csv_sha256} />],
  ];
  return (
    <dl className="mt-3 grid grid-cols-2 gap-3 text-sm sm:grid-cols-4">
      {facts.map(([name, value]) => (
        <div key={name} className="min-w-0">
          <dt className="text-xs text-muted">{name}</dt>
          <dd className="font-medium break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
