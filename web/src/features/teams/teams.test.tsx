import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ReactNode } from "react";
import { beforeAll, expect, test, vi } from "vitest";
import { type Me, meQuery } from "@/api/me";
import { limitOf } from "./allowance";
import { creditLimitsOf, leftOf, openOf, rateOf } from "./effective";
import { MakeKey, RevokeTeamKey } from "./key-forms";
import type { TeamKey } from "./key-queries";
import { MemberTable } from "./member-table";
import type { Member, Team } from "./queries";
import { ChangeTeam, End, tagsOf } from "./team-forms";
import { TeamKeyTable } from "./team-key-table";

beforeAll(() => {
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
});

const TEAM: Team = {
  object: "team",
  id: "t",
  name: "films",
  status: "ACTIVE",
  created_at: "2026-01-01T00:00:00Z",
  ended_at: null,
  members: 1,
  credit_limit: 3_000_000,
  granted_credits: 0,
  credit_period: "month",
  used_credits: 2_900_000,
  settled_credits: 2_900_000,
  held_credits: 0,
  remaining_credits: 100_000,
  resets_at: "2026-11-30T23:00:00Z",
  time_zone: "Europe/Berlin",
  retention_days: null,
  required_tags: ["cost_centre"],
};
const ADA: Member = {
  object: "member",
  id: "m",
  team_id: "t",
  name: "ada",
  role: "MEMBER",
  status: "ACTIVE",
  created_at: "2026-01-01T00:00:00Z",
  ended_at: null,
  credit_limit: 300_000,
  granted_credits: 0,
  credit_period: "day",
  used_credits: 0,
  settled_credits: 0,
  held_credits: 0,
  remaining_credits: 300_000,
  resets_at: null,
  rate_per_minute: 60,
  rate_burst: 20,
  max_open: 20,
};
const KEY: TeamKey = {
  object: "key",
  id: "k",
  team_id: "t",
  member_id: "m",
  member: "ada",
  prefix: "rg_abc",
  name: "laptop",
  state: "active",
  credit_limit: null,
  granted_credits: 0,
  credit_period: "none",
  used_credits: 0,
  settled_credits: 0,
  held_credits: 0,
  remaining_credits: null,
  resets_at: null,
  scopes: ["generate", "read"],
  models: null,
  addresses: null,
  rate_per_minute: null,
  rate_burst: null,
  max_open: 2,
  created_at: "2026-11-01T00:00:00Z",
  expires_at: null,
  revoked_at: null,
  last_used_at: null,
};

function opened(form: ReactNode, answer: (sent: Request[]) => Promise<Response>) {
  const sent: Request[] = [];
  vi.stubGlobal("fetch", (request: Request) => {
    sent.push(request);
    return answer(sent);
  });
  const queries = new QueryClient();
  queries.setQueryData(meQuery.queryKey, { key: { scopes: ["generate", "read", "team"] } } as Me);
  render(<QueryClientProvider client={queries}>{form}</QueryClientProvider>);
  return sent;
}

test("a limit is said with its period, and none is none", () => {
  expect(limitOf(null, "month")).toBe("none");
  expect(limitOf(0, "none")).toBe("0");
  expect(limitOf(300_000, "day")).toBe("300\u202f000 a day");
});

test("what a member can spend is bound by its team's limit, where that has less left", () => {
  expect(leftOf(ADA, TEAM)).toEqual({ value: "100\u202f000", of: "team" });
  expect(leftOf({ ...ADA, remaining_credits: 100_000 }, TEAM).of).toBe("member");
  expect(leftOf(ADA, { ...TEAM, credit_limit: null, remaining_credits: null }).of).toBe("member");
  expect(leftOf(ADA, { ...TEAM, remaining_credits: 0 })).toEqual({ value: "0", of: "team" });
});

test("a key inherits what it has not, and gets no more than its member", () => {
  expect(openOf(KEY, ADA)).toEqual({ value: "2", of: "key" });
  expect(rateOf(KEY, ADA)).toEqual({ value: "60", of: "member" });
  expect(rateOf({ ...KEY, rate_per_minute: 900 }, ADA)).toEqual({ value: "60", of: "member" });
  expect(creditLimitsOf(KEY, ADA, TEAM).map(({ of }) => of)).toEqual(["member", "team"]);
  const own = { ...KEY, credit_limit: 5, credit_period: "day" as const };
  expect(creditLimitsOf(own, ADA, TEAM)[0]).toEqual({ value: "5 a day", of: "key" });
});

test("a table says whose limit counts, and offers nothing for who has ended", () => {
  const gone = { ...ADA, id: "g", name: "bob", ended_at: ADA.created_at };
  const asked = vi.fn();
  render(<MemberTable members={[ADA, gone]} team={TEAM} onDeed={asked} />);
  const [, ada, bob] = screen.getAllByRole("row");
  if (!ada || !bob) throw new Error("a row is missing");
  expect(ada.textContent).toContain("100\u202f000 of the team");
  within(ada).getByRole("button", { name: "End ada" }).click();
  expect(asked).toHaveBeenCalledWith("end", ADA);
  expect(within(bob).queryByRole("button")).toBeNull();
});

test("only a key that works can be changed, replaced or revoked", () => {
  const revoked = { ...KEY, id: "o", name: "old", state: "revoked", revoked_at: KEY.created_at };
  render(<TeamKeyTable keys={[KEY, revoked]} members={[ADA]} team={TEAM} onDeed={() => {}} />);
  expect(screen.getByRole("button", { name: "Revoke of the key laptop of ada" })).toBeTruthy();
  expect(screen.queryByRole("button", { name: /old/ })).toBeNull();
  // There is nothing to add to where a key has no limit of its own.
  expect(screen.queryByRole("button", { name: /^Grant/ })).toBeNull();
  expect(screen.getAllByText("of the member").length).toBeGreaterThan(0);
});

test("credits are granted to a key beside a limit of its own", () => {
  const limited = { ...KEY, credit_limit: 5, remaining_credits: 5 };
  const deed = vi.fn();
  render(<TeamKeyTable keys={[limited]} members={[ADA]} team={TEAM} onDeed={deed} />);
  screen.getByRole("button", { name: "Grant to the key laptop of ada" }).click();
  expect(deed).toHaveBeenCalledWith("grant", limited);
});

test("a change of a team has what is empty as none, and its tags each once", async () => {
  const done = vi.fn();
  const sent = opened(<ChangeTeam of={TEAM} onDone={done} onClose={() => {}} />, () =>
    Promise.resolve(Response.json(TEAM)),
  );
  await userEvent.clear(screen.getByLabelText("Credits at most"));
  await userEvent.type(screen.getByLabelText("Tags it requires"), ", project cost_centre");
  await userEvent.type(screen.getByLabelText("Reason"), "a new year");
  await userEvent.click(screen.getByRole("button", { name: "Change" }));
  await vi.waitFor(() => expect(done).toHaveBeenCalledWith("films is changed."));
  expect(await sent[0]?.json()).toEqual({
    credit_limit: null,
    credit_period: "month",
    time_zone: "Europe/Berlin",
    retention_days: null,
    required_tags: ["cost_centre", "project"],
    status: "ACTIVE",
    reason: "a new year",
  });
  expect(tagsOf("  ")).toEqual([]);
});

test("an end needs the name, and says which keys ended", async () => {
  const done = vi.fn();
  const odd = { ...ADA, name: "a.b (c)" };
  const sent = opened(<End of={odd} onDone={done} onClose={() => {}} />, () =>
    Promise.resolve(Response.json({ id: "m", revoked_keys: ["rg_abc"] })),
  );
  const confirmed = screen.getByLabelText<HTMLInputElement>("Write a.b (c) to confirm");
  await userEvent.type(screen.getByLabelText("Reason"), "left");
  await userEvent.type(confirmed, "axb (c)");
  await userEvent.click(screen.getByRole("button", { name: "End it for good" }));
  expect(confirmed.validity.customError).toBe(true);
  expect(sent).toHaveLength(0);
  await userEvent.clear(confirmed);
  await userEvent.type(confirmed, "a.b (c)");
  await userEvent.click(screen.getByRole("button", { name: "End it for good" }));
  await vi.waitFor(() =>
    expect(done).toHaveBeenCalledWith("a.b (c) has ended. Keys that ended with it: rg_abc."),
  );
  expect(new URL(sent[0]?.url ?? "").pathname).toBe("/api/v1/admin/teams/t/members/m/end");
});

test("a key of a member is made once, and its secret is handed over", async () => {
  const made = { ...KEY, secret: "rg_abc_secret" };
  const sent = opened(
    <MakeKey
      team={TEAM}
      members={[ADA]}
      onMade={(key) => handed(key.secret)}
      onDone={() => {}}
      onClose={() => {}}
    />,
    (all) =>
      all.length === 1
        ? Promise.reject(new TypeError("the network is away"))
        : Promise.resolve(Response.json(made, { status: 201 })),
  );
  await userEvent.type(screen.getByLabelText("Name"), "laptop");
  await userEvent.click(screen.getByRole("button", { name: "Make the key" }));
  await screen.findByRole("alert");
  expect(handed).not.toHaveBeenCalled();
  await userEvent.click(screen.getByRole("button", { name: "Make the key" }));
  await vi.waitFor(() => expect(handed).toHaveBeenCalledWith("rg_abc_secret"));
  const [first, second] = sent.map((request) => request.headers.get("Idempotency-Key"));
  expect(first).toMatch(/^[0-9a-f]{32}$/);
  expect(second).toBe(first);
  expect(new URL(sent[1]?.url ?? "").pathname).toBe("/api/v1/admin/teams/t/members/m/keys");
});
const handed = vi.fn<(secret: string) => void>();

test("a key that others have takes what it set up along", async () => {
  const done = vi.fn();
  const sent = opened(<RevokeTeamKey of={KEY} onDone={done} onClose={() => {}} />, () =>
    Promise.resolve(Response.json({ key: KEY, webhook_endpoints: ["w"] })),
  );
  await userEvent.click(screen.getByRole("checkbox", { name: /^Others have it/ }));
  await userEvent.type(screen.getByLabelText("Reason"), "leaked");
  await userEvent.click(screen.getByRole("button", { name: "Revoke" }));
  await vi.waitFor(() =>
    expect(done).toHaveBeenCalledWith(
      "The key laptop of ada is revoked. It set up 1 webhook endpoints.",
    ),
  );
  expect(await sent[0]?.json()).toEqual({ compromised: true, reason: "leaked" });
});
