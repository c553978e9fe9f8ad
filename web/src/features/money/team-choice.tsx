import { useInfiniteQuery } from "@tanstack/react-query";
import { teamsQuery } from "@/features/teams/queries";
import { Button } from "@/ui/button";
import { Choice } from "@/ui/field";

/** One of the teams, in the order in which they were made. */
export function TeamChoice({
  value,
  none,
  onChange,
}: {
  value: string | undefined;
  /** What it is called that none is chosen. */
  none: string;
  onChange: (team: string | undefined) => void;
}) {
  const list = useInfiniteQuery(teamsQuery);
  const teams = list.data?.pages.flatMap((page) => page.data) ?? [];
  const missing = value !== undefined && !teams.some((team) => team.id === value);
  return (
    <div className="flex items-start gap-2">
      <Choice
        label="Team"
        value={value ?? ""}
        onChange={(event) => onChange(event.target.value || undefined)}
      >
        <option value="">{none}</option>
        {missing && <option value={value}>{list.data ? "another one" : "…"}</option>}
        {teams.map((team) => (
          <option key={team.id} value={team.id}>
            {team.name}
            {team.ended_at && " (ended)"}
          </option>
        ))}
      </Choice>
      {list.hasNextPage && (
        <Button className="mt-6" disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          More teams
        </Button>
      )}
    </div>
  );
}
