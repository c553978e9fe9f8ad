import { credits } from "@/lib/format";
import { Button } from "@/ui/button";
import { Table } from "@/ui/table";
import { limitOf } from "./allowance";
import type { Member } from "./queries";
import { Status } from "./teams-page";

export function MemberTable({
  members,
  onChange,
  onGrant,
}: {
  members: Member[];
  onChange: (of: Member) => void;
  onGrant: (to: Member) => void;
}) {
  return (
    <Table
      caption="Members"
      heads={["Member", "Role", "Status", "Limit", "Granted", "Spent", "Held", "Left", "In progress", ""]}
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
          <td>{credits(one.remaining_credits)}</td>
          <td className="whitespace-nowrap">at most {one.max_open}</td>
          <td className="text-right whitespace-nowrap">
            {!one.ended_at && (
              <>
                <Button look="quiet" aria-label={`Change ${one.name}`} onClick={() => onChange(one)}>
                  Change
                </Button>
                <Button look="quiet" aria-label={`Grant to ${one.name}`} onClick={() => onGrant(one)}>
                  Grant
                </Button>
              </>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}
