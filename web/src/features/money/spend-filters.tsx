import { useNavigate } from "@tanstack/react-router";
import { X } from "lucide-react";
import { Button } from "@/ui/button";
import { DateRange } from "@/ui/date-range";
import { Choice, Field } from "@/ui/field";
import { rangeOf } from "./rows";
import { type Group, GROUPS, type MoneySearch, moneySearch } from "./search";
import { TeamChoice } from "./team-choice";

const RANGES = ["30 days", "this month", "last month", "this year"] as const;

export function Filters({
  search,
  operates,
  by,
}: {
  search: MoneySearch;
  operates: boolean;
  by: Group;
}) {
  const navigate = useNavigate({ from: "/desk/money" });
  function change(changed: Record<string, unknown>) {
    // Of what the address has by then: two changes may come before one is shown.
    void navigate({ search: (now) => moneySearch({ ...now, ...changed }), replace: true });
  }
  return (
    <>
      <div className="flex flex-wrap gap-3">
        <DateRange from={search.from} to={search.to} onChange={change} />
        <Choice
          label="Over time by"
          value={search.every ?? "day"}
          onChange={(event) => change({ every: event.target.value })}
        >
          <option>day</option>
          <option>month</option>
        </Choice>
        <Choice label="By" value={by} onChange={(event) => change({ by: event.target.value })}>
          {GROUPS.filter((one) => one !== "team" || (operates && !search.team)).map((one) => (
            <option key={one}>{one}</option>
          ))}
        </Choice>
        {by === "tag" && (
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
        {operates && (
          <TeamChoice
            value={search.team}
            none="all teams"
            // What is by team makes no sense of one.
            onChange={(team) => change({ team, ...(search.by === "team" && { by: undefined }) })}
          />
        )}
      </div>
      <div className="mt-3 flex flex-wrap items-center gap-2">
        {RANGES.map((range) => (
          <Button key={range} onClick={() => change(rangeOf(range, new Date()))}>
            {range}
          </Button>
        ))}
        {search.model && (
          <Button aria-label={`Not only ${search.model}`} onClick={() => change({ model: undefined })}>
            only {search.model} <X aria-hidden className="size-4" />
          </Button>
        )}
      </div>
    </>
  );
}
