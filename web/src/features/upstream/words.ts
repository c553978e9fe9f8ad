import type { Schemas } from "@/api/client";
import type { Interval, UpstreamKey } from "./queries";
import { credits } from "@/lib/format";

export const LOOKS: Record<Schemas["KeyState"], "good" | "warning" | "bad"> = {
  active: "good",
  paused: "warning",
  set_aside: "bad",
};

/** Why a key is not used. An operator wrote the reason of a pause; the others are the gateway's. */
export function whyOf({ state, reason }: UpstreamKey): string {
  if (state === "active") return reason ?? "";
  if (state === "paused") return reason ?? "An operator paused it";
  if (reason === "reserve") return "Set aside: another video might use its reserve";
  return reason ? `Set aside: ${reason}` : "Set aside";
}

export function turnOf({ state }: UpstreamKey): {
  deed: "pause" | "return";
  act: string;
  effect: string;
  danger: boolean;
} {
  return state === "active"
    ? {
        deed: "pause",
        act: "Pause",
        effect: "Nothing more is sent with it until it is returned. What was sent is finished.",
        danger: true,
      }
    : {
        deed: "return",
        act: "Use again",
        effect: "Videos are sent with it again, and paid from its account.",
        danger: false,
      };
}

export function breakerOf({ breaker }: UpstreamKey): string {
  if (breaker === "closed") return "closed: submissions go through";
  if (breaker === "open") return "open: submissions wait";
  return "half open: one submission is tried";
}

export function testOf({ test }: UpstreamKey): string {
  if (!test) return "none";
  return test.result ?? "a worker does it now";
}

/** What is to be done about its credits; null if nothing. */
export function creditsLookOf({ watermark }: UpstreamKey, reserve: number | null): string | null {
  if (!watermark) return null;
  if (reserve !== null && watermark.remaining_credits <= reserve) return "at the reserve";
  if (watermark.remaining_credits <= 0) return "nothing left";
  return watermark.days_left !== null && watermark.days_left < 3 ? "top it up" : null;
}

/** `12` or, where answers lag, `12 to 15`. */
export function ledgerOf({ ledger_least_credits: least, ledger_most_credits: most }: Interval) {
  if (least === null || most === null) return "–";
  return least === most ? credits(least) : `${credits(least)} to ${credits(most)}`;
}

/** What no range of the ledger can explain. */
export function driftOf(one: Interval): { said: string; look: "bad" | "warning" } | null {
  const more = one.uncertain_credits > 0 ? `, up to ${credits(one.uncertain_credits)} more` : "";
  if (one.unexplained_credits > 0)
    return { said: `${credits(one.unexplained_credits)} unexplained${more}`, look: "bad" };
  if (one.added_credits > 0)
    return { said: `${credits(one.added_credits)} given back${more}`, look: "warning" };
  return null;
}

/** A top-up, a bonus, or the end of one. */
export function limitChangeOf({ limit_change: change }: Interval): string | null {
  if (!change) return null;
  return change > 0 ? `topped up by ${credits(change)}` : `${credits(-change)} taken off its limit`;
}
