import { credits } from "@/lib/format";
import { Moment } from "@/ui/moment";
import { limitOf } from "./allowance";
import type { Team } from "./queries";

/** What a team may, and what it used of that. */
export function TeamFacts({ team }: { team: Team }) {
  const facts = [
    ["Limit", limitOf(team.credit_limit, team.credit_period)],
    ["Granted", credits(team.granted_credits)],
    ["Spent", credits(team.settled_credits)],
    ["Held", credits(team.held_credits)],
    ["Left", team.remaining_credits === null ? "no limit" : credits(team.remaining_credits)],
    ["Time zone", team.time_zone],
    ["Videos are kept", team.retention_days === null ? "for ever" : `${team.retention_days} days`],
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
