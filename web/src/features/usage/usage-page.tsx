import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Download } from "lucide-react";
import { meQuery } from "@/api/me";
import { credits } from "@/lib/format";
import { Answer } from "@/ui/answer";
import { Button } from "@/ui/button";
import { DateRange } from "@/ui/date-range";
import { Choice, Field } from "@/ui/field";
import { Empty } from "@/ui/notices";
import { Section, Table } from "@/ui/table";
import { Bar, Columns } from "./charts";
import { Left } from "./left";
import { OpenHolds } from "./open-holds";
import { csvAddress, type Usage, usageQuery } from "./queries";
import { columnsOf, nameOf } from "./rows";
import { type Group, groupOf, GROUPS, type UsageSearch, usageSearch } from "./search";

/** What was spent, what is left and until when, and what is held. */
export function UsagePage() {
  const { data: me } = useSuspenseQuery(meQuery);
  const search = useSearch({ from: "/inside/usage" });
  const usage = useQuery(usageQuery(search));
  const group = groupOf(search);
  return (
    <>
      <h1 className="text-xl font-semibold">Usage</h1>
      <Section title="What is left">
        <Left of={me.credits} />
      </Section>
      <Section
        title="What was spent"
        aside={
          group && (
            <Button asChild>
              <a href={csvAddress(search, group)} download="usage.csv">
                <Download aria-hidden className="size-4" /> CSV
              </a>
            </Button>
          )
        }
      >
        <Filters search={search} lead={me.manages_team} />
        {group === null ? (
          <Empty title="Which tag?">Say the name of a tag, as requests have it in metadata.</Empty>
        ) : (
          <Answer query={usage} what="what was spent">
            {(found) => <Spent usage={found} by={search.by ?? "day"} />}
          </Answer>
        )}
      </Section>
      <OpenHolds />
    </>
  );
}

function Filters({ search, lead }: { search: UsageSearch; lead: boolean }) {
  const navigate = useNavigate({ from: "/usage" });
  function change(changed: Record<string, unknown>) {
    // Of what the address has by then: two changes may come before one is shown.
    void navigate({ search: (now) => usageSearch({ ...now, ...changed }), replace: true });
  }
  return (
    <div className="mb-4 flex flex-wrap gap-3">
      <DateRange from={search.from} to={search.to} onChange={change} />
      <Choice
        label="By"
        value={search.by ?? "day"}
        onChange={(event) => change({ by: event.target.value })}
      >
        {GROUPS.filter((one) => one !== "member" || lead).map((one) => (
          <option key={one}>{one}</option>
        ))}
      </Choice>
      {search.by === "tag" && (
        <Field
          label="Tag"
          placeholder="cost_centre"
          defaultValue={search.tag ?? ""}
          onBlur={(event) => change({ tag: event.target.value })}
          onKeyDown={(event) => {
            if (event.key === "Enter") change({ tag: event.currentTarget.value });
          }}
        />
      )}
      {lead && (
        <Choice
          label="Of"
          value={search.team ? "team" : "me"}
          onChange={(event) => change({ team: event.target.value === "team" })}
        >
          <option value="me">me</option>
          <option value="team">the team</option>
        </Choice>
      )}
    </div>
  );
}

export function Spent({ usage, by }: { usage: Usage; by: Group }) {
  const spent = (one: Usage["data"][number]) => one.settled_credits + one.held_credits;
  const rows = by === "day" ? usage.data : usage.data.toSorted((one, two) => spent(two) - spent(one));
  const most = Math.max(...rows.map(spent));
  if (rows.length === 0)
    return (
      <Empty title="Nothing was made">
        From {usage.from_day} to {usage.to_day}, in {usage.time_zone}.
      </Empty>
    );
  return (
    <>
      <p className="mb-3 text-sm">
        {credits(usage.settled_credits)} credits spent and {credits(usage.held_credits)} held, for{" "}
        {credits(usage.generations)} videos from {usage.from_day} to {usage.to_day} (
        {usage.time_zone}).
      </p>
      {by === "day" && <Columns columns={columnsOf(usage)} />}
      <div className="mt-4">
        <Table caption={`Spent by ${by}`} heads={[by, "Videos", "Spent", "Held", "Share"]}>
          {rows.map((row) => (
            <tr key={row.key_id ?? row.member_id ?? nameOf(row, by)}>
              <th scope="row" className="max-w-64 truncate font-medium">
                {nameOf(row, by)}
              </th>
              <td>{credits(row.generations)}</td>
              <td>{credits(row.settled_credits)}</td>
              <td>{credits(row.held_credits)}</td>
              <td className="w-1/4">
                <Bar value={spent(row)} most={most} />
              </td>
            </tr>
          ))}
        </Table>
      </div>
    </>
  );
}
