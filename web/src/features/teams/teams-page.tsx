import { useInfiniteQuery, useSuspenseQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";
import { meQuery } from "@/api/me";
import { credits } from "@/lib/format";
import { Answer, More } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Empty } from "@/ui/notices";
import { Badge, Table } from "@/ui/table";
import { limitOf } from "./allowance";
import { CreateTeam } from "./forms";
import { type Team, teamsQuery } from "./queries";
import { Requests } from "./requests";

export function TeamsPage() {
  const { data: me } = useSuspenseQuery(meQuery);
  const list = useInfiniteQuery(teamsQuery);
  const [creating, setCreating] = useState(false);
  const [said, setSaid] = useState("");
  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-xl font-semibold">Teams</h1>
        {me.operates && (
          <Button look="primary" onClick={() => setCreating(true)}>
            <Plus aria-hidden className="size-4" /> Make a team
          </Button>
        )}
      </div>
      <p role="status" className="mt-2 text-sm text-success">
        {said}
      </p>
      <div className="mt-4">
        <Answer query={list} what="the teams">
          {({ pages }) => {
            const teams = pages.flatMap((page) => page.data);
            return teams.length === 0 ? (
              <Empty title="There is no team" />
            ) : (
              <>
                <TeamTable teams={teams} />
                <More list={list} />
              </>
            );
          }}
        </Answer>
      </div>
      <Requests onDone={setSaid} />
      {creating && (
        <CreateTeam
          onDone={(now) => {
            setCreating(false);
            setSaid(now);
          }}
          onClose={() => setCreating(false)}
        />
      )}
    </>
  );
}

function TeamTable({ teams }: { teams: Team[] }) {
  return (
    <Table caption="Teams" heads={["Team", "Status", "Members", "Limit", "Spent", "Held", "Left"]}>
      {teams.map((team) => (
        <tr key={team.id}>
          <th scope="row" className="font-medium">
            <Link to="/desk/teams/$id" params={{ id: team.id }} className="text-accent underline">
              {team.name}
            </Link>
          </th>
          <td>
            <Status of={team} />
          </td>
          <td>{team.members}</td>
          <td className="whitespace-nowrap">{limitOf(team.credit_limit, team.credit_period)}</td>
          <td>{credits(team.settled_credits)}</td>
          <td>{credits(team.held_credits)}</td>
          <td>{team.remaining_credits === null ? "no limit" : credits(team.remaining_credits)}</td>
        </tr>
      ))}
    </Table>
  );
}

export function Status({ of }: { of: Pick<Team, "status" | "ended_at"> }) {
  if (of.ended_at) return <Badge look="calm">ended</Badge>;
  return of.status === "ACTIVE" ? (
    <Badge look="good">active</Badge>
  ) : (
    <Badge look="bad">suspended</Badge>
  );
}
