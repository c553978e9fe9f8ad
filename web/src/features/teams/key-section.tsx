import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import { Secret } from "@/features/keys/secret";
import { Answer, More } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Empty } from "@/ui/notices";
import { Section } from "@/ui/table";
import { GrantCredits } from "./grant-form";
import { ChangeKey, MakeKey, RevokeTeamKey, RotateTeamKey } from "./key-forms";
import { type TeamKey, teamKeysQuery } from "./key-queries";
import { type KeyDeed, TeamKeyTable } from "./team-key-table";
import { membersQuery, type Team } from "./queries";

type Open = { deed: "make" } | { deed: KeyDeed; of: TeamKey } | null;

/** The keys of all members of a team. */
export function KeySection({ team, onDone }: { team: Team; onDone: (said: string) => void }) {
  const list = useInfiniteQuery(teamKeysQuery(team.id));
  const members = useInfiniteQuery(membersQuery(team.id));
  const [open, setOpen] = useState<Open>(null);
  const [made, setMade] = useState<Schemas["MemberKeyWithSecret"] | null>(null);
  const close = () => setOpen(null);
  const known = members.data?.pages.flatMap((page) => page.data) ?? [];
  const active = known.filter((member) => !member.ended_at);
  const form = {
    onDone: (said: string) => {
      onDone(said);
      close();
    },
    onMade: setMade,
    onClose: close,
  };
  return (
    <Section
      title="Keys"
      aside={
        !team.ended_at &&
        active.length > 0 && (
          <Button onClick={() => setOpen({ deed: "make" })}>Make a key</Button>
        )
      }
    >
      {made && <Secret made={made} onClose={() => setMade(null)} />}
      <div className={made ? "mt-4" : undefined}>
        <Answer query={list} what="the keys">
          {({ pages }) => {
            const keys = pages.flatMap((page) => page.data);
            return keys.length === 0 ? (
              <Empty title="No member has a key">Programs and people sign in with one.</Empty>
            ) : (
              <>
                <TeamKeyTable
                  keys={keys}
                  members={known}
                  team={team}
                  onDeed={(deed, of) => setOpen({ deed, of })}
                />
                <More list={list} />
              </>
            );
          }}
        </Answer>
      </div>
      {open?.deed === "make" && <MakeKey team={team} members={active} {...form} />}
      {open?.deed === "change" && <ChangeKey of={open.of} {...form} />}
      {open?.deed === "grant" && (
        <GrantCredits to={{ of: "key", key: open.of.id, name: open.of.name }} {...form} />
      )}
      {open?.deed === "rotate" && <RotateTeamKey of={open.of} {...form} />}
      {open?.deed === "revoke" && <RevokeTeamKey of={open.of} {...form} />}
    </Section>
  );
}
