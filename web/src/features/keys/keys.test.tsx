import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, expect, test, vi } from "vitest";
import { type Me, meQuery } from "@/api/me";
import { CreateKey } from "./forms";
import { KeyTable, limitsOf } from "./key-table";
import { OwnCredits, sharedBinding } from "./own-credits";
import { type Key, stateOf } from "./queries";

beforeAll(() => {
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
});

const KEY: Key = {
  object: "key",
  id: "1",
  team_id: "2",
  member_id: "3",
  prefix: "rg_abc",
  name: "laptop",
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
  max_open: null,
  created_at: "2026-11-01T00:00:00Z",
  expires_at: null,
  revoked_at: null,
  last_used_at: null,
};

const ACCOUNT = {
  credit_limit: 450000,
  granted_credits: 0,
  used_credits: 0,
  settled_credits: 0,
  held_credits: 0,
  period: "none",
  time_zone: "UTC",
  resets_at: null,
  used_money: null,
  remaining_money: null,
} as const;

test("a key that was replaced is active until its overlap ends", () => {
  const replaced = { ...KEY, expires_at: "2026-12-01T00:00:00Z" };
  expect(stateOf(replaced, new Date("2026-11-30T23:59:59Z"))).toBe("active");
  expect(stateOf(replaced, new Date("2026-12-01T00:00:00Z"))).toBe("expired");
  expect(stateOf({ ...KEY, revoked_at: KEY.created_at }, new Date())).toBe("revoked");
});

test("limits are said in words, and there may be none", () => {
  expect(limitsOf(KEY)).toBe("");
  const limited = { ...KEY, max_open: 2, models: ["ray-v3"] };
  expect(limitsOf(limited)).toBe("2 in progress · only ray-v3");
});

test("a key says what its own limit leaves, and one without still what it spent", () => {
  const limited = {
    ...KEY,
    credit_limit: 450000,
    credit_period: "day" as const,
    granted_credits: 50000,
    settled_credits: 150000,
    held_credits: 20000,
    remaining_credits: 330000,
    resets_at: "2026-12-01T00:00:00Z",
  };
  const { container, rerender } = render(<OwnCredits of={limited} />);
  expect(container.textContent).toMatch(
    /^330.000 left of 450.000 a day and 50.000 granted150.000 spent, 20.000 held, anew /u,
  );
  expect(container.querySelector("time")?.dateTime).toBe("2026-12-01T00:00:00Z");
  rerender(<OwnCredits of={{ ...KEY, settled_credits: 150000 }} />);
  expect(container.textContent).toMatch(/^no limit of its own150.000 spent, 0 held$/u);
});

test("what all keys have together is by the member or the team, whichever has less", () => {
  const account = { ...ACCOUNT, account: "key", remaining_credits: 1 } as const;
  const member = { ...ACCOUNT, account: "member", remaining_credits: 300000 } as const;
  const team = { ...ACCOUNT, account: "team", remaining_credits: 120000 } as const;
  expect(sharedBinding([account, member, team])).toBe(team);
  expect(sharedBinding([account, member, { ...team, remaining_credits: null }])).toBe(member);
});

test("only a key that works can be replaced or revoked", () => {
  const revoked = { ...KEY, id: "9", prefix: "rg_old", name: "old", revoked_at: KEY.created_at };
  render(<KeyTable keys={[KEY, revoked]} own="rg_abc" onDeed={() => {}} />);
  expect(screen.getByRole("button", { name: "Revoke laptop" })).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Revoke old" })).toBeNull();
  expect(screen.getByText("this session")).toBeTruthy();
});

test("a form that is sent twice has one Idempotency-Key, and empty fields limit nothing", async () => {
  const sent: Request[] = [];
  vi.stubGlobal("fetch", (request: Request) => {
    sent.push(request);
    return sent.length === 1
      ? Promise.reject(new TypeError("the network is away"))
      : Promise.resolve(Response.json({ ...KEY, secret: "rg_abc_secret" }, { status: 201 }));
  });
  const queries = new QueryClient();
  queries.setQueryData(meQuery.queryKey, { key: { scopes: ["generate", "read", "team"] } } as Me);
  const done = vi.fn();
  render(
    <QueryClientProvider client={queries}>
      <CreateKey onDone={done} onClose={() => {}} />
    </QueryClientProvider>,
  );
  await userEvent.type(screen.getByLabelText("Name"), "laptop");
  await userEvent.click(screen.getByRole("button", { name: "Make the key" }));
  await screen.findByRole("alert");
  expect(done).not.toHaveBeenCalled();
  await userEvent.click(screen.getByRole("button", { name: "Make the key" }));
  await vi.waitFor(() => expect(done).toHaveBeenCalled());
  const [first, second] = sent.map((request) => request.headers.get("Idempotency-Key"));
  expect(first).toMatch(/^[0-9a-f]{32}$/);
  expect(second).toBe(first);
  expect(await sent[1]?.json()).toEqual({
    name: "laptop",
    scopes: ["generate", "read"],
    expires_at: null,
    credit_limit: null,
    credit_period: "none",
    max_open: null,
  });
});
