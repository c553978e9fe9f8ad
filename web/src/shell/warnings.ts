import type { Me } from "@/api/me";
import { credits } from "@/lib/format";

const NEARLY = 0.9;

/** What everybody has to know before they trust what is below, most urgent first. */
export function warnings({
  me,
  simulated,
  connected,
}: {
  me: Me;
  simulated: boolean;
  connected: boolean;
}): string[] {
  return [
    simulated && "The simulator stands in for 1min.ai: no video is real, nothing is charged.",
    me.status === "SUSPENDED" &&
      "You are suspended: you can watch and download your videos, and nothing else.",
    me.binding_limit === "paused" &&
      "An operator has paused admission: new requests are refused, with nothing charged.",
    budget(me),
    !connected && "Not live at the moment: connecting again.",
  ].filter((line) => typeof line === "string");
}

/** Of the account with the least left, if nine tenths of what it may spend are used. */
function budget({ credits: { binding } }: Me): string | false {
  const { credit_limit, granted_credits, used_credits, remaining_credits } = binding;
  if (credit_limit === null || remaining_credits === null) return false;
  const whole = credit_limit + granted_credits;
  if (used_credits < whole * NEARLY) return false;
  const whose = binding.account === "member" ? "Your limit" : `The limit of your ${binding.account}`;
  return remaining_credits <= 0
    ? `${whose} is used up.`
    : `${whose} is nearly used up: ${credits(remaining_credits)} of ${credits(whole)} credits are left.`;
}
