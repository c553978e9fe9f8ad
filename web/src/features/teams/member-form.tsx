import type { Form } from "./changed";
import { ChangeMember } from "./forms";
import { GrantCredits } from "./grant-form";
import { RevokeAll } from "./key-forms";
import type { MemberDeed } from "./member-table";
import type { Member, Team } from "./queries";
import { End, Rename } from "./team-forms";

/** The form of what is done with a member. */
export function MemberForm({
  team,
  how,
  of,
  ...form
}: Form & { team: Team; how: MemberDeed; of: Member }) {
  if (how === "change") return <ChangeMember of={of} {...form} />;
  if (how === "grant") {
    const to = { of: "member", team: team.id, member: of.id, name: of.name } as const;
    return <GrantCredits to={to} {...form} />;
  }
  if (how === "rename") return <Rename of={of} {...form} />;
  if (how === "revoke") return <RevokeAll of={of} {...form} />;
  return <End of={of} {...form} />;
}
