import { useInfiniteQuery, useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { meQuery } from "@/api/me";
import { Answer, More } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Copy } from "@/ui/copy";
import { Empty } from "@/ui/notices";
import { Section } from "@/ui/table";
import { CreateMember } from "./forms";
import { GrantCredits } from "./grant-form";
import { Grants } from "./grants";
import { KeySection } from "./key-section";
import { MemberForm } from "./member-form";
import { type MemberDeed, MemberTable } from "./member-table";
import { type Member, membersQuery, type Team, teamQuery } from "./queries";
import { ChangeTeam, End, Rename } from "./team-forms";
import { TeamFacts } from "./team-facts";
import { Status } from "./teams-page";

type Open =
  | { deed: "change" | "rename" | "end" | "add" | "grant" }
  | { deed: "member"; how: MemberDeed; of: Member }
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
  const { data: me } = useSuspenseQuery(meQuery);
  const [open, setOpen] = useState<Open>(null);
  const [said, setSaid] = useState("");
  const close = () => setOpen(null);
  function done(now: string) {
    setSaid(now);
    close();
  }
  const form = { onDone: done, onClose: close };
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
      <TeamFacts team={team} />
      {me.operates && !team.ended_at ? (
        <div className="mt-4 flex flex-wrap gap-2">
          <Button onClick={() => setOpen({ deed: "change" })}>Change the team</Button>
          <Button onClick={() => setOpen({ deed: "grant" })}>Grant credits</Button>
          <Button onClick={() => setOpen({ deed: "rename" })}>Rename</Button>
          <Button look="danger" onClick={() => setOpen({ deed: "end" })}>
            End the team
          </Button>
        </div>
      ) : (
        !team.ended_at && (
          <p className="mt-4 text-sm text-muted">Operators change what the whole team may.</p>
        )
      )}
      <Section
        title="Members"
        aside={
          !team.ended_at && <Button onClick={() => setOpen({ deed: "add" })}>Add a member</Button>
        }
      >
        <Members team={team} onDeed={(how, of) => setOpen({ deed: "member", how, of })} />
      </Section>
      <KeySection team={team} onDone={setSaid} />
      <Section title="Grants to the team">
        <Grants to={{ of: "team", team: team.id, name: team.name }} />
      </Section>
      {open?.deed === "change" && <ChangeTeam of={team} {...form} />}
      {open?.deed === "rename" && <Rename of={team} {...form} />}
      {open?.deed === "end" && <End of={team} {...form} />}
      {open?.deed === "add" && <CreateMember team={team} {...form} />}
      {open?.deed === "grant" && (
        <GrantCredits to={{ of: "team", team: team.id, name: team.name }} {...form} />
      )}
      {open?.deed === "member" && <MemberForm team={team} how={open.how} of={open.of} {...form} />}
    </>
  );
}

function Members({
  team,
  onDeed,
}: {
  team: Team;
  onDeed: (how: MemberDeed, of: Member) => void;
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
            <MemberTable members={members} team={team} onDeed={onDeed} />
            <More list={list} />
          </>
        );
      }}
    </Answer>
  );
}
