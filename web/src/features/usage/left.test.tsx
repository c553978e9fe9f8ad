import { render, screen, within } from "@testing-library/react";
import { expect, test } from "vitest";
import type { Me } from "@/api/me";
import { Left } from "./left";

type Account = Me["credits"]["accounts"][number];

const KEY: Account = {
  account: "key",
  credit_limit: null,
  granted_credits: 0,
  used_credits: 0,
  settled_credits: 0,
  held_credits: 0,
  remaining_credits: null,
  period: "none",
  time_zone: "Europe/Berlin",
  resets_at: null,
  used_money: null,
  remaining_money: null,
};
const TEAM: Account = {
  ...KEY,
  account: "team",
  credit_limit: 300000,
  remaining_credits: 120000,
  period: "month",
  resets_at: "2026-11-30T23:00:00Z",
};

test("the limit that binds is said, and until when, in the zone of the team", () => {
  render(<Left of={{ remaining_credits: 120000, binding: TEAM, accounts: [KEY, TEAM] }} />);
  const [, ofKey, ofTeam] = screen.getAllByRole("row");
  if (!ofKey || !ofTeam) throw new Error("a row is missing");
  expect(within(ofTeam).getByText("binds")).toBeTruthy();
  expect(within(ofKey).queryByText("binds")).toBeNull();
  expect(within(ofKey).getByText("no limit")).toBeTruthy();
  // Midnight in Berlin, wherever this runs.
  expect(within(ofTeam).getByText(/Dec 1, 2026.*12:00.AM.*Europe\/Berlin/)).toBeTruthy();
});
