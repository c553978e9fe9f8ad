import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, expect, test, vi } from "vitest";
import { type Me, meQuery } from "@/api/me";
import { CreateKey } from "./forms";
import { KeyTable, limitsOf } from "./key-table";
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

test("a key that was replaced is active until its overlap ends", () => {
  const replaced = { ...KEY, expires_at: "2026-12-01T00:00:00Z" };
  expect(stateOf(replaced, new Date("2026-11-30T23:59:59Z"))).toBe("active");
  expect(stateOf(replaced, new Date("2026-12-01T00:00:00Z"))).toBe("expired");
  expect(stateOf({ ...KEY, revoked_at: KEY.created_at }, new Date())).toBe("revoked");
});

test("limits are said in words, and there may be none", () => {
  expect(limitsOf(KEY)).toBe("");
  const limited = { ...KEY, credit_limit: 150000, credit_period: "day" as const, models: ["ray-v3"] };
  expect(limitsOf(limited)).toBe("150\u202f000 credits a day · only ray-v3");
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
