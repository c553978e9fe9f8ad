import type { Form } from "./changed";
import { ChangeMember, GrantCredits } from "./forms";
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
  if (how === "grant") return <GrantCredits team={team} member={of} {...form} />;
  if (how === "rename") return <Rename of={of} {...form} />;
  if (how === "revoke") return <RevokeAll of={of} {...form} />;
  return <End of={of} {...form} />;
}
