import { expect, test } from "vitest";
import type { Me } from "@/api/me";
import { warnings } from "./warnings";

const binding = {
  account: "member",
  credit_limit: 1000,
  granted_credits: 0,
  used_credits: 0,
  remaining_credits: 1000,
};
function of(changes: object, account: object = {}) {
  const me = {
    status: "ACTIVE",
    binding_limit: null,
    credits: { binding: { ...binding, ...account } },
    ...changes,
  } as unknown as Me;
  return warnings({ me, simulated: false, connected: true });
}

test("nothing is said where all is well", () => {
  expect(of({})).toEqual([]);
  expect(of({}, { credit_limit: null, remaining_credits: null, used_credits: 5000 })).toEqual([]);
});

test("a limit is told of from nine tenths on, grants included", () => {
  expect(of({}, { used_credits: 899, remaining_credits: 101 })).toEqual([]);
  expect(of({}, { used_credits: 900, remaining_credits: 100 })).toEqual([
    "Your limit is nearly used up: 100 of 1\u202f000 credits are left.",
  ]);
  expect(of({}, { used_credits: 900, remaining_credits: 600, granted_credits: 500 })).toEqual([]);
  expect(of({}, { account: "team", used_credits: 1000, remaining_credits: 0 })).toEqual([
    "The limit of your team is used up.",
  ]);
});

test("a pause of admission and a suspension come before limits", () => {
  expect(of({ binding_limit: "paused" }, { used_credits: 1000, remaining_credits: 0 })).toEqual([
    "An operator has paused admission: new requests are refused, with nothing charged.",
    "Your limit is used up.",
  ]);
  expect(of({ status: "SUSPENDED", binding_limit: "suspended" })).toHaveLength(1);
});
