import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { credits } from "@/lib/format";
import { Answer, More } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Copy } from "@/ui/copy";
import { Moment } from "@/ui/moment";
import { Empty } from "@/ui/notices";
import { Section, Table } from "@/ui/table";
import { limitOf } from "./allowance";
import { ChangeMember, ChangeTeam, CreateMember, GrantCredits } from "./forms";
import { MemberTable } from "./member-table";
import { grantsQuery, type Member, membersQuery, type Team, teamQuery } from "./queries";
import { Status } from "./teams-page";

type Open =
  | { deed: "limit" | "add" }
  | { deed: "grant"; to: Member | null }
  | { deed: "member"; of: Member }
  | null;

export function TeamPage() {
  const { id } = useParams({ from: "/inside/desk/teams/$id" });
  const query = useQuery(teamQuery(id));
  return (
    <>
      <Link to="/desk/teams" className="text-sm text-accent underline">
        All teams
      </Link>
      <Answer query={query} what="the team">
        {(team) => <Whole team={team} />}
      </Answer>
    </>
  );
}

function Whole({ team }: { team: Team }) {
  const [open, setOpen] = useState<Open>(null);
  const [said, setSaid] = useState("");
  const close = () => setOpen(null);
  function done(now: string) {
    setSaid(now);
    close();
  }
  return (
    <>
      <div className="mt-2 flex flex-wrap items-center gap-3">
        <h1 className="text-xl font-semibold">{team.name}</h1>
        <Status of={team} />
        <Copy what="id" text={team.id} />
      </div>
      <p role="status" className="mt-2 text-sm text-success">
        {said}
      </p>
      <Facts team={team} />
      <div className="mt-4 flex flex-wrap gap-2">
        <Button onClick={() => setOpen({ deed: "limit" })}>Change the limit</Button>
        <Button onClick={() => setOpen({ deed: "grant", to: null })}>Grant credits</Button>
      </div>
      <Section
        title="Members"
        aside={<Button onClick={() => setOpen({ deed: "add" })}>Add a member</Button>}
      >
        <Members
          team={team}
          onChange={(of) => setOpen({ deed: "member", of })}
          onGrant={(to) => setOpen({ deed: "grant", to })}
        />
      </Section>
      <Section title="Grants to the team">
        <Grants team={team} />
      </Section>
      {open?.deed === "limit" && <ChangeTeam of={team} onDone={done} onClose={close} />}
      {open?.deed === "add" && <CreateMember team={team} onDone={done} onClose={close} />}
      {open?.deed === "member" && <ChangeMember of={open.of} onDone={done} onClose={close} />}
      {open?.deed === "grant" && (
        <GrantCredits team={team} member={open.to} onDone={done} onClose={close} />
      )}
    </>
  );
}

function Facts({ team }: { team: Team }) {
  const facts = [
    ["Limit", limitOf(team.credit_limit, team.credit_period)],
    ["Granted", credits(team.granted_credits)],
    ["Spent", credits(team.settled_credits)],
    ["Held", credits(team.held_credits)],
    ["Left", team.remaining_credits === null ? "no limit" : credits(team.remaining_credits)],
    ["Time zone", team.time_zone],
    ["Videos are kept", team.retention_days === null ? "as long as the gateway says" : `${team.retention_days} days`],
    ["Tags it requires", team.required_tags.join(", ") || "none"],
  ];
  return (
    <dl className="mt-3 grid grid-cols-2 gap-3 text-sm sm:grid-cols-4">
      {facts.map(([name, value]) => (
        <div key={name} className="min-w-0">
          <dt className="text-xs text-muted">{name}</dt>
          <dd className="font-medium break-words">{value}</dd>
        </div>
      ))}
      {team.resets_at && (
        <div>
          <dt className="text-xs text-muted">Begins anew</dt>
          <dd className="font-medium">
            <Moment at={team.resets_at} />
          </dd>
        </div>
      )}
    </dl>
  );
}

function Members({
  team,
  onChange,
  onGrant,
}: {
  team: Team;
  onChange: (of: Member) => void;
  onGrant: (to: Member) => void;
}) {
  const list = useInfiniteQuery(membersQuery(team.id));
  return (
    <Answer query={list} what="the members">
      {({ pages }) => {
        const members = pages.flatMap((page) => page.data);
        return members.length === 0 ? (
          <Empty title="Nobody is in this team" />
        ) : (
          <>
            <MemberTable members={members} onChange={onChange} onGrant={onGrant} />
            <More list={list} />
          </>
        );
      }}
    </Answer>
  );
}

function Grants({ team }: { team: Team }) {
  const list = useInfiniteQuery(grantsQuery(team.id));
  return (
    <Answer query={list} what="the grants">
      {({ pages }) => {
        const grants = pages.flatMap((page) => page.data);
        return grants.length === 0 ? (
          <Empty title="Nothing was granted">A grant is beside the limit, for once.</Empty>
        ) : (
          <>
            <Table caption="Grants" heads={["Credits", "Why", "By", "When", "Ends"]}>
              {grants.map((grant) => (
                <tr key={grant.id}>
                  <td>{credits(grant.credits)}</td>
                  <td className="min-w-48 break-words">{grant.reason}</td>
                  <td>{grant.actor}</td>
                  <td className="whitespace-nowrap">
                    <Moment at={grant.created_at} />
                  </td>
                  <td className="whitespace-nowrap">
                    {grant.ends_at ? <Moment at={grant.ends_at} /> : "never"}
                  </td>
                </tr>
              ))}
            </Table>
            <More list={list} />
          </>
        );
      }}
    </Answer>
  );
}
