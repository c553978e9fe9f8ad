import { credits } from "@/lib/format";
import { Button } from "@/ui/button";
import { Moment } from "@/ui/moment";
import { Table } from "@/ui/table";
import { limitOf } from "./allowance";
import { leftOf } from "./effective";
import type { Member, Team } from "./queries";
import { Whose } from "./team-key-table";
import { Status } from "./teams-page";

export type MemberDeed = "change" | "grant" | "rename" | "revoke" | "end";

const DEEDS: [MemberDeed, string, (name: string) => string][] = [
  ["change", "Change", (name) => `Change ${name}`],
  ["grant", "Grant", (name) => `Grant to ${name}`],
  ["rename", "Rename", (name) => `Rename ${name}`],
  ["revoke", "Revoke keys", (name) => `Revoke keys of ${name}`],
  ["end", "End", (name) => `End ${name}`],
];

export function MemberTable({
  members,
  team,
  onDeed,
}: {
  members: Member[];
  team: Team;
  onDeed: (how: MemberDeed, of: Member) => void;
}) {
  return (
    <Table
      caption="Members"
      heads={["Member", "Role", "Status", "Limit", "Granted", "Spent", "Held", "Can spend", "Begins anew", "A minute", "At once", "In progress", ""]}
    >
      {members.map((one) => (
        <tr key={one.id}>
          <th scope="row" className="font-medium">
            {one.name}
          </th>
          <td>{one.role === "ADMIN" ? "administrator" : "member"}</td>
          <td>
            <Status of={one} />
          </td>
          <td className="whitespace-nowrap">{limitOf(one.credit_limit, one.credit_period)}</td>
          <td>{credits(one.granted_credits)}</td>
          <td>{credits(one.settled_credits)}</td>
          <td>{credits(one.held_credits)}</td>
          <td className="whitespace-nowrap">
            <Whose of={leftOf(one, team)} />
          </td>
          <td className="whitespace-nowrap">
            {one.resets_at ? <Moment at={one.resets_at} /> : "never"}
          </td>
          <td>{one.rate_per_minute}</td>
          <td>{one.rate_burst}</td>
          <td className="whitespace-nowrap">at most {one.max_open}</td>
          <td className="text-right whitespace-nowrap">
            {!one.ended_at &&
              DEEDS.map(([how, said, of]) => (
                <Button
                  key={how}
                  look="quiet"
                  className={how === "end" || how === "revoke" ? "text-danger" : undefined}
                  aria-label={of(one.name)}
                  onClick={() => onDeed(how, one)}
                >
                  {said}
                </Button>
              ))}
          </td>
        </tr>
      ))}
    </Table>
  );
}
