import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { limitOf } from "@/features/teams/allowance";
import { type Member, membersQuery, type Team, teamQuery, teamsQuery } from "@/features/teams/queries";
import { Gauge } from "@/features/upstream/gauge";
import { credits } from "@/lib/format";
import { Answer, More } from "@/ui/answer";
import { Moment } from "@/ui/moment";
import { Empty } from "@/ui/notices";
import { Section, Table } from "@/ui/table";

/** What is used of the limits of teams or, of one team, of its own and its members'. */
export function AgainstLimits({ team }: { team: string | undefined }) {
  return (
    <Section title="Used of the limits, in their present periods">
      {team ? <OfOne id={team} /> : <OfAll />}
    </Section>
  );
}

function OfAll() {
  const list = useInfiniteQuery(teamsQuery);
  return (
    <Answer query={list} what="the limits of teams">
      {({ pages }) => {
        const teams = pages.flatMap((page) => page.data).filter((team) => !team.ended_at);
        return teams.length === 0 ? (
          <Empty title="There is no team" />
        ) : (
          <>
            <LimitTable
              caption="Used of the limits of teams"
              rows={teams}
              name={(team) => (
                <Link to="/desk/teams/$id" params={{ id: team.id }} className="text-accent underline">
                  {team.name}
                </Link>
              )}
            />
            <More list={list} />
          </>
        );
      }}
    </Answer>
  );
}

function OfOne({ id }: { id: string }) {
  const team = useQuery(teamQuery(id));
  const list = useInfiniteQuery(membersQuery(id));
  return (
    <>
      <Answer query={team} what="the limit of the team">
        {(of) => <LimitTable caption={`Used of the limit of ${of.name}`} rows={[of]} name={({ name }) => name} />}
      </Answer>
      <div className="mt-4">
        <Answer query={list} what="the limits of members">
          {({ pages }) => {
            const members = pages.flatMap((page) => page.data).filter((one) => !one.ended_at);
            return members.length === 0 ? (
              <Empty title="Nobody is in this team" />
            ) : (
              <>
                <LimitTable
                  caption="Used of the limits of members"
                  rows={members}
                  name={({ name }) => name}
                />
                <More list={list} />
              </>
            );
          }}
        </Answer>
      </div>
    </>
  );
}

export function LimitTable<T extends Team | Member>({
  caption,
  rows,
  name,
}: {
  caption: string;
  rows: T[];
  name: (row: T) => ReactNode;
}) {
  return (
    <Table caption={caption} heads={["Of", "Limit", "Granted", "Spent", "Held", "Used", "Left", "Begins anew"]}>
      {rows.map((row) => (
        <tr key={row.id}>
          <th scope="row" className="font-medium">
            {name(row)}
          </th>
          <td className="whitespace-nowrap">{limitOf(row.credit_limit, row.credit_period)}</td>
          <td>{credits(row.granted_credits)}</td>
          <td>{credits(row.settled_credits)}</td>
          <td>{credits(row.held_credits)}</td>
          <td className="min-w-32">
            {row.credit_limit === null ? (
              "no limit"
            ) : (
              <Gauge
                label={`Used of the limit of ${row.name}`}
                value={row.used_credits}
                most={row.credit_limit + row.granted_credits}
                said={percentOf(row.used_credits, row.credit_limit + row.granted_credits)}
              />
            )}
          </td>
          <td>{row.remaining_credits === null ? "no limit" : credits(row.remaining_credits)}</td>
          <td className="whitespace-nowrap">
            {row.resets_at ? <Moment at={row.resets_at} /> : "never"}
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** Never 100 % before all is used, and never 0 % once something is. */
export function percentOf(used: number, most: number): string {
  if (used >= most) return "100 %";
  if (used > 0 && used * 100 < most) return "under 1 %";
  return `${Math.floor((used * 100) / most)} %`;
}
