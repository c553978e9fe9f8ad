import { useQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { Columns } from "@/features/usage/charts";
import { credits } from "@/lib/format";
import { Answer } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Empty } from "@/ui/notices";
import { Section, Table } from "@/ui/table";
import { AgainstLimits } from "./against-limits";
import { csvAddress, spendQuery, type Usage } from "./queries";
import { columnsOf } from "./rows";
import { groupOf, type MoneySearch } from "./search";
import { Breakdown } from "./breakdown";
import { Filters } from "./spend-filters";

/** What was spent, when, and by whom, beside what may be. */
export function Spend({ search, operates }: { search: MoneySearch; operates: boolean }) {
  const every = search.every ?? "day";
  const usual = operates && !search.team ? "team" : "member";
  const group = groupOf(search, usual);
  const by = search.by ?? usual;
  const overTime = useQuery(spendQuery(search, every));
  const parts = useQuery(spendQuery(search, group));
  return (
    <>
      <Filters search={search} operates={operates} by={by} />
      <Section title="Over time" aside={<Csv address={csvAddress(search, every)} what="time" />}>
        <Answer query={overTime} what="what was spent">
          {(usage) => <OverTime usage={usage} every={every} />}
        </Answer>
      </Section>
      <Section
        title={`By ${by}`}
        aside={group && <Csv address={csvAddress(search, group)} what={by} />}
      >
        {group === null ? (
          <Empty title="Which tag?">Say the name of a tag, as requests have it in metadata.</Empty>
        ) : (
          <Answer query={parts} what="what was spent">
            {(usage) => <Breakdown usage={usage} by={by} />}
          </Answer>
        )}
      </Section>
      <AgainstLimits team={search.team} />
    </>
  );
}

function Csv({ address, what }: { address: string; what: string }) {
  return (
    <Button asChild>
      <a href={address} download={`spend-by-${what}.csv`} aria-label={`CSV, by ${what}`}>
        <Download aria-hidden className="size-4" /> CSV
      </a>
    </Button>
  );
}

export function OverTime({ usage, every }: { usage: Usage; every: "day" | "month" }) {
  const zone = usage.time_zone ?? "each team's time zone";
  if (usage.data.length === 0)
    return (
      <Empty title="Nothing was made">
        From {usage.from_day} to {usage.to_day}, in {zone}.
      </Empty>
    );
  return (
    <>
      <p className="mb-3 text-sm">
        {credits(usage.settled_credits)} credits spent
        {usage.settled_money &&
          ` (${usage.settled_money.amount} ${usage.settled_money.currency} at today's price)`}{" "}
        and {credits(usage.held_credits)} held, for {credits(usage.generations)} videos from{" "}
        {usage.from_day} to {usage.to_day} ({zone}).
      </p>
      <Columns columns={columnsOf(usage, every)} every={every} />
      <details className="mt-3 text-sm">
        <summary className="w-fit rounded px-1 text-accent">Show the numbers</summary>
        <div className="mt-2">
          <Table caption={`Spent by ${every}`} heads={[every, "Videos", "Spent", "Held"]}>
            {usage.data.map((row) => (
              <tr key={row[every]}>
                <th scope="row" className="font-medium">
                  {row[every]}
                </th>
                <td>{credits(row.generations)}</td>
                <td>{credits(row.settled_credits)}</td>
                <td>{credits(row.held_credits)}</td>
              </tr>
            ))}
          </Table>
        </div>
      </details>
    </>
  );
}
