import { Button } from "@/ui/button";
import { Moment } from "@/ui/moment";
import { Badge, Table } from "@/ui/table";
import { OwnCredits } from "./own-credits";
import { type Key, type KeyState, stateOf } from "./queries";

const LOOKS: Record<KeyState, "good" | "calm" | "bad"> = {
  active: "good",
  expired: "calm",
  revoked: "bad",
};

/** What a key may do less than its member, in words; its credits are apart. */
export function limitsOf(key: Key): string {
  return [
    key.max_open !== null && `${key.max_open} in progress`,
    key.rate_per_minute !== null && `${key.rate_per_minute} a minute`,
    key.models && `only ${key.models.join(", ")}`,
    key.addresses && `from ${key.addresses.join(", ")}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

export function KeyTable({
  keys,
  own,
  onDeed,
}: {
  keys: Key[];
  /** Of the key with which the person is signed in. */
  own: string;
  onDeed: (deed: "rotate" | "revoke", of: Key) => void;
}) {
  const now = new Date();
  return (
    <Table
      caption="Keys"
      heads={["Name", "Key", "State", "May", "Credits", "Other limits", "Last used", "Ends", ""]}
    >
      {keys.map((key) => {
        const state = stateOf(key, now);
        return (
          <tr key={key.id}>
            <th scope="row" className="font-medium">
              {key.name} {key.prefix === own && <Badge look="calm">this session</Badge>}
            </th>
            <td className="font-mono text-xs">{key.prefix}…</td>
            <td>
              <Badge look={LOOKS[state]}>{state}</Badge>
            </td>
            <td>{key.scopes.join(", ")}</td>
            <td className="whitespace-nowrap">
              <OwnCredits of={key} />
            </td>
            <td>{limitsOf(key) || "those of the member"}</td>
            <td className="whitespace-nowrap">
              {key.last_used_at ? <Moment at={key.last_used_at} /> : "never"}
            </td>
            <td className="whitespace-nowrap">
              {key.revoked_at ? (
                <Moment at={key.revoked_at} />
              ) : key.expires_at ? (
                <Moment at={key.expires_at} />
              ) : (
                "never"
              )}
            </td>
            <td className="text-right whitespace-nowrap">
              {state === "active" && (
                <>
                  <Button
                    look="quiet"
                    aria-label={`Rotate ${key.name}`}
                    onClick={() => onDeed("rotate", key)}
                  >
                    Rotate
                  </Button>
                  <Button
                    look="quiet"
                    className="text-danger"
                    aria-label={`Revoke ${key.name}`}
                    onClick={() => onDeed("revoke", key)}
                  >
                    Revoke
                  </Button>
                </>
              )}
            </td>
          </tr>
        );
      })}
    </Table>
  );
}
