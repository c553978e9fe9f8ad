import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, expect, test, vi } from "vitest";
import { KeyCard } from "./key-card";
import { Test, Turn } from "./key-forms";
import type { Interval, UpstreamKey } from "./queries";
import { IntervalTable } from "./watermarks";
import { creditsLookOf, driftOf, ledgerOf, limitChangeOf, whyOf } from "./words";

beforeAll(() => {
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
});

const KEY: UpstreamKey = {
  object: "upstream_key",
  label: "main",
  fingerprint: "0badcafe",
  state: "active",
  reason: null,
  set_aside_at: null,
  return_at: null,
  breaker: "closed",
  breaker_failures: 0,
  breaker_until: null,
  minute: { limit: 180, used: 170, remaining: 10 },
  open_generations: 4,
  watermark: {
    observed_at: "2026-11-30T12:00:00Z",
    used_credits: 1_000_000,
    credit_limit: 4_000_000,
    remaining_credits: 3_000_000,
    remaining_money: { amount: "1050.00", currency: "EUR" },
    credits_per_day: 600_000,
    days_left: 5,
    unexplained_credits: 0,
  },
  test: null,
};

const INTERVAL: Interval = {
  since: "2026-11-30T10:00:00Z",
  until: "2026-11-30T11:00:00Z",
  used_credits: 1_000_000,
  credit_limit: 4_000_000,
  upstream_credits: 450_000,
  ledger_least_credits: 150_000,
  ledger_most_credits: 300_000,
  limit_change: 0,
  unexplained_credits: 150_000,
  added_credits: 0,
  uncertain_credits: 150_000,
};

function card(of: UpstreamKey, reserve: number | null = null) {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <KeyCard of={of} reserve={reserve} onTest={() => {}} onTurn={() => {}} />
    </QueryClientProvider>,
  );
}

test("the budget of a minute is a gauge whose words say the same", () => {
  card(KEY);
  const gauge = screen.getByRole("meter", { name: "Requests of main this minute" });
  expect(gauge.getAttribute("aria-valuenow")).toBe("170");
  expect(gauge.getAttribute("aria-valuemax")).toBe("180");
  expect(screen.getByText("170 of 180")).toBeTruthy();
});

test("credits are grouped, in money where it is known, and with the instant that they are of", () => {
  card(KEY);
  const left = screen.getByText("Credits left").parentElement;
  expect(left?.textContent).toContain("3\u202f000\u202f000");
  expect(left?.textContent).toContain("1050.00 EUR");
  expect(left?.querySelector("time")?.getAttribute("title")).toBe("2026-11-30 12:00:00 UTC");
});

test("an account whose figures nobody knows says so, and nothing of 0", () => {
  card({ ...KEY, watermark: null });
  expect(screen.getByText("not known: no answer had its figures yet")).toBeTruthy();
  expect(screen.queryByText("none", { selector: "dd" })).toBeTruthy();
  expect(creditsLookOf({ ...KEY, watermark: null }, 5)).toBeNull();
});

test("a reserve, an empty account and few days are said", () => {
  const left = (remaining_credits: number, days_left: number | null = null) => ({
    ...KEY,
    watermark: KEY.watermark && { ...KEY.watermark, remaining_credits, days_left },
  });
  expect(creditsLookOf(left(100), 100)).toBe("at the reserve");
  expect(creditsLookOf(left(101), 100)).toBeNull();
  expect(creditsLookOf(left(0), null)).toBe("nothing left");
  expect(creditsLookOf(left(900, 2.9), null)).toBe("top it up");
});

test("why a key is not used is said in words", () => {
  expect(whyOf({ ...KEY, state: "set_aside", reason: "reserve" })).toBe(
    "Set aside: another video might use its reserve",
  );
  expect(whyOf({ ...KEY, state: "paused", reason: "an audit" })).toBe("an audit");
  expect(whyOf(KEY)).toBe("");
});

test("drift is what no range can explain, and how exact that is", () => {
  expect(ledgerOf(INTERVAL)).toBe("150\u202f000 to 300\u202f000");
  expect(driftOf(INTERVAL)?.said).toBe("150\u202f000 unexplained, up to 150\u202f000 more");
  expect(driftOf({ ...INTERVAL, unexplained_credits: 0 })).toBeNull();
  expect(driftOf({ ...INTERVAL, unexplained_credits: 0, added_credits: 7, uncertain_credits: 0 })).toEqual(
    { said: "7 given back", look: "warning" },
  );
});

test("a top-up is marked, and the first answer has nothing before it", () => {
  expect(limitChangeOf({ ...INTERVAL, limit_change: -5 })).toBe("5 taken off its limit");
  const first = { ...INTERVAL, since: null, until: "2026-11-30T09:00:00Z", upstream_credits: null, limit_change: null };
  render(<IntervalTable label="main" intervals={[{ ...INTERVAL, limit_change: 15_000 }, first]} />);
  const [, newest, oldest] = screen.getAllByRole("row");
  if (!newest || !oldest) throw new Error("a row is missing");
  expect(within(newest).getByText(/^topped up by 15\s000$/)).toBeTruthy();
  expect(within(oldest).getByText("the first")).toBeTruthy();
  expect(within(oldest).queryByText(/topped up/)).toBeNull();
});

async function sentBy(form: React.ReactNode, act: string) {
  const sent: Request[] = [];
  vi.stubGlobal("fetch", (request: Request) => {
    sent.push(request);
    return Promise.resolve(Response.json({ object: "list", data: [KEY], reserve_credits: null }));
  });
  render(<QueryClientProvider client={new QueryClient()}>{form}</QueryClientProvider>);
  const reason = screen.queryByLabelText("Reason");
  if (reason) await userEvent.type(reason, "an audit");
  await userEvent.click(screen.getByRole("button", { name: act }));
  return sent;
}

test("a pause has its reason, and is said once the gateway has answered", async () => {
  const done = vi.fn();
  const sent = await sentBy(<Turn of={KEY} onDone={done} onClose={() => {}} />, "Pause");
  await vi.waitFor(() => expect(done).toHaveBeenCalledWith("main is paused."));
  expect(new URL(sent[0]?.url ?? "").pathname).toBe("/api/v1/admin/upstream-keys/main/pause");
  expect(await sent[0]?.json()).toEqual({ reason: "an audit" });
});

test("a key that is set aside can be returned, not paused", async () => {
  const done = vi.fn();
  const of = { ...KEY, state: "set_aside" as const, reason: "rejected" };
  const sent = await sentBy(<Turn of={of} onDone={done} onClose={() => {}} />, "Use again");
  await vi.waitFor(() => expect(done).toHaveBeenCalledWith("main is in use again."));
  expect(new URL(sent[0]?.url ?? "").pathname).toBe("/api/v1/admin/upstream-keys/main/return");
});

test("a test is asked for once, and a worker does it", async () => {
  const done = vi.fn();
  const sent = await sentBy(<Test of={KEY} onDone={done} onClose={() => {}} />, "Test");
  await vi.waitFor(() => expect(done).toHaveBeenCalledWith("A worker tests main within seconds."));
  expect(sent).toHaveLength(1);
});
