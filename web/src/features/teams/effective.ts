import { credits } from "@/lib/format";
import { limitOf } from "./allowance";
import type { TeamKey } from "./key-queries";
import type { Member, Team } from "./queries";

/** What counts in the end, and whose limit it is. */
export interface Effective {
  value: string;
  of: "key" | "member" | "team";
}

/** What a member can still spend: the least that its own limit and its team's leave. */
export function leftOf(member: Member, team: Team): Effective {
  const teams = team.remaining_credits;
  if (teams !== null && teams < member.remaining_credits)
    return { value: credits(teams), of: "team" };
  return { value: credits(member.remaining_credits), of: "member" };
}

/** Of a key that has none of its own, the one of its member. */
function inherited(own: number | null, members: number): Effective {
  // A key may have more than its member, and then gets no more.
  return own !== null && own <= members
    ? { value: String(own), of: "key" }
    : { value: String(members), of: "member" };
}

export function rateOf(key: TeamKey, member: Member): Effective {
  return inherited(key.rate_per_minute, member.rate_per_minute);
}

export function openOf(key: TeamKey, member: Member): Effective {
  return inherited(key.max_open, member.max_open);
}

/** All limits of credits that a request with the key has to keep, the narrowest owner first. */
export function creditLimitsOf(key: TeamKey, member: Member, team: Team): Effective[] {
  const all: Effective[] = [
    { value: limitOf(key.credit_limit, key.credit_period), of: "key" },
    { value: limitOf(member.credit_limit, member.credit_period), of: "member" },
    { value: limitOf(team.credit_limit, team.credit_period), of: "team" },
  ];
  return all.filter(({ value }) => value !== "none");
}
