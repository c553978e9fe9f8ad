import { OwnCredits } from "@/features/keys/own-credits";
import { Button } from "@/ui/button";
import { Moment } from "@/ui/moment";
import { Badge, Table } from "@/ui/table";
import { creditLimitsOf, type Effective, openOf, rateOf } from "./effective";
import type { TeamKey } from "./key-queries";
import type { Member, Team } from "./queries";

export type KeyDeed = "change" | "grant" | "rotate" | "revoke";

const LOOKS: Record<string, "good" | "calm" | "bad"> = {
  active: "good",
  expired: "calm",
  revoked: "bad",
};

/** Keys with the limits that count in the end, and whose these are. */
export function TeamKeyTable({
  keys,
  members,
  team,
  onDeed,
}: {
  keys: TeamKey[];
  members: Member[];
  team: Team;
  onDeed: (deed: KeyDeed, of: TeamKey) => void;
}) {
  const owners = new Map(members.map((member) => [member.id, member]));
  return (
    <Table
      caption="Keys of the team"
      heads={["Key", "Of", "State", "May", "Credits", "Left of its own", "A minute", "In progress", "Last used", "Ends", ""]}
    >
      {keys.map((key) => {
        const owner = owners.get(key.member_id);
        return (
          <tr key={key.id}>
            <th scope="row" className="font-medium">
              {key.name} <span className="font-mono text-xs text-muted">{key.prefix}…</span>
            </th>
            <td>{key.member}</td>
            <td>
              <Badge look={LOOKS[key.state] ?? "calm"}>{key.state}</Badge>
            </td>
            <td>
              {key.scopes.join(", ")}
              <Narrowed of={key} />
            </td>
            <td className="whitespace-nowrap">
              {owner ? <Credits limits={creditLimitsOf(key, owner, team)} /> : "–"}
            </td>
            <td className="whitespace-nowrap">
              <OwnCredits of={key} />
            </td>
            <td className="whitespace-nowrap">{owner && <Whose of={rateOf(key, owner)} />}</td>
            <td className="whitespace-nowrap">{owner && <Whose of={openOf(key, owner)} />}</td>
            <td className="whitespace-nowrap">
              {key.last_used_at ? <Moment at={key.last_used_at} /> : "never"}
            </td>
            <td className="whitespace-nowrap">
              <Ends of={key} />
            </td>
            <td className="text-right whitespace-nowrap">
              {key.state === "active" && <Deeds of={key} onDeed={onDeed} />}
            </td>
          </tr>
        );
      })}
    </Table>
  );
}

function Narrowed({ of }: { of: TeamKey }) {
  const narrowed = [
    of.models && `only ${of.models.join(", ")}`,
    of.addresses && `from ${of.addresses.join(", ")}`,
  ].filter(Boolean);
  if (narrowed.length === 0) return null;
  return <span className="block text-xs text-muted">{narrowed.join(" · ")}</span>;
}

export function Whose({ of: { value, of } }: { of: Effective }) {
  return (
    <>
      {value} <span className="text-xs text-muted">of the {of}</span>
    </>
  );
}

/** Each has to be kept: the first that is used up refuses. */
function Credits({ limits }: { limits: Effective[] }) {
  return (
    <ul>
      {limits.map((limit) => (
        <li key={limit.of}>
          <Whose of={limit} />
        </li>
      ))}
    </ul>
  );
}

function Ends({ of }: { of: TeamKey }) {
  const at = of.revoked_at ?? of.expires_at;
  return at ? <Moment at={at} /> : "never";
}

function Deeds({ of, onDeed }: { of: TeamKey; onDeed: (deed: KeyDeed, of: TeamKey) => void }) {
  const deeds: [KeyDeed, string][] = [
    ["change", "Limits"],
    // Only beside a limit of its own is there something to add to.
    ...(of.credit_limit === null ? [] : [["grant", "Grant"] satisfies [KeyDeed, string]]),
    ["rotate", "Rotate"],
    ["revoke", "Revoke"],
  ];
  return deeds.map(([deed, said]) => (
    <Button
      key={deed}
      look="quiet"
      className={deed === "revoke" ? "text-danger" : undefined}
      aria-label={`${said} ${deed === "grant" ? "to" : "of"} the key ${of.name} of ${of.member}`}
      onClick={() => onDeed(deed, of)}
    >
      {said}
    </Button>
  ));
}
