import { useSuspenseQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { meQuery } from "@/api/me";
import { MemberChoice, TeamChoice } from "@/features/teams/choices";
import { Button } from "@/ui/button";
import { Filled } from "@/ui/deed";
import { Choice, Field } from "@/ui/field";
import { STATES, storiesSearch, type StoriesSearch } from "./search";

/** Narrows the list. Everything it says is in the address. */
export function Filters({
  search,
  onChange,
}: {
  search: StoriesSearch;
  onChange: (search: StoriesSearch) => void;
}) {
  const { data: me } = useSuspenseQuery(meQuery);
  const team = search.team ?? (me.operates ? undefined : me.team.id);
  return (
    <form
      key={JSON.stringify(search)}
      className="mt-4 mb-4 flex flex-wrap items-end gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        const filled = new Filled(new FormData(event.currentTarget));
        const names = ["state", "team", "member", "model", "from", "to", "q"] as const;
        const said = Object.fromEntries(names.map((name) => [name, filled.text(name)]));
        // Another team has other members.
        const kept = said.team === (search.team ?? "") ? {} : { member: undefined };
        const key = search.key && { key: search.key };
        const older = search.older && { older: search.older };
        onChange(storiesSearch({ ...key, ...older, ...said, ...kept }));
      }}
    >
      <Field
        label="Any id"
        name="q"
        defaultValue={search.q ?? ""}
        placeholder="of a video, or rg_…"
        className="w-56"
      />
      <Choice label="State" name="state" defaultValue={search.state ?? ""} className="w-36">
        <option value="">any</option>
        <option value="open">in flight</option>
        {STATES.map((state) => (
          <option key={state}>{state}</option>
        ))}
      </Choice>
      {me.operates && <TeamChoice chosen={search.team} />}
      {team && <MemberChoice team={team} chosen={search.member} />}
      <Field
        label="Model"
        name="model"
        defaultValue={search.model ?? ""}
        placeholder="ray-v3"
        className="w-36"
      />
      <Field
        label="From"
        name="from"
        type="date"
        defaultValue={search.from === "today" ? today() : (search.from ?? "")}
        className="w-40"
      />
      <Field label="To" name="to" type="date" defaultValue={search.to ?? ""} className="w-40" />
      <Button type="submit">Show</Button>
      {(search.key ?? search.older) !== undefined && (
        <p className="w-full text-sm text-muted">
          {search.older && `Asked for ${search.older} minutes ago or earlier. `}
          {search.key && "Of one key. "}
          <Link to="/desk/generations" search={without(search)} className="text-accent underline">
            Leave that out
          </Link>
        </p>
      )}
    </form>
  );
}

function without(search: StoriesSearch): StoriesSearch {
  return storiesSearch({ ...search, key: undefined, older: undefined });
}

function today(): string {
  const now = new Date();
  const two = (value: number) => String(value).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}
