import { expect, test } from "vitest";
import type { Schemas } from "@/api/client";
import { left } from "./endangered";
import { share } from "./figures";
import { needsOf } from "./needs";

type Overview = Schemas["Overview"];

const NONE = { count: 0, oldest_seconds: 0 };
const calm = (more: Partial<Overview> = {}) =>
  ({
    in_flight: { queued: NONE, submitting: NONE, running: NONE, unknown: NONE },
    waiting: { sign_in_requests: 0, credit_requests: 0, failing_endpoints: 0, disabled_endpoints: 0 },
    upstream: { keys: 1, usable_keys: 1, remaining_credits: 5, days_left: 30 },
    pauses: [{ name: "admission", paused: false, reason: null }],
    ...more,
  }) as unknown as Overview;

test("where nothing waits, nobody is needed", () => {
  expect(needsOf(calm())).toEqual([]);
  // What is for operators is null for others.
  expect(needsOf(calm({ upstream: null, pauses: null }))).toEqual([]);
});

test("each thing that waits leads to where it is done", () => {
  const found = needsOf(
    calm({
      in_flight: { queued: NONE, submitting: NONE, running: NONE, unknown: { count: 2, oldest_seconds: 9 } },
      waiting: { sign_in_requests: 1, credit_requests: 3, failing_endpoints: 0, disabled_endpoints: 0 },
      upstream: { keys: 2, usable_keys: 0, remaining_credits: 5, days_left: 2.5 },
      pauses: [
        { object: "pause", name: "admission", paused: true, reason: "the budget", changed_at: "" },
      ],
    }),
  );
  expect(found.map(({ what, link }) => [what, link.to])).toEqual([
    ["The admission is paused", "/desk/controls"],
    ["No upstream key can be used", "/desk/controls"],
    ["Credits for 2.5 days are left", "/desk/controls"],
    ["2 with an unknown outcome", "/desk/unknowns"],
    ["1 person waits to be let in", "/desk/sign-ins"],
    ["3 requests for credits", "/desk/teams"],
  ]);
});

test("a link that has ended has less than nothing left", () => {
  const at = Date.parse("2026-11-30T12:00:00Z");
  expect(left({ link_expires_at: "2026-11-30T13:00:00Z" }, at)).toBe(3600);
  expect(left({ link_expires_at: "2026-11-30T11:00:00Z" }, at)).toBe(-3600);
  expect(left({ link_expires_at: null }, at)).toBeNull();
});

test("a share is in percent, with a decimal only where there is one", () => {
  expect([share(0), share(0.125), share(1)]).toEqual(["0 %", "12.5 %", "100 %"]);
});
