import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, expect, test, vi } from "vitest";
import type { Schemas } from "@/api/client";
import { catalogueQuery, type Catalogue, type Model } from "@/features/catalogue/queries";
import type { Team } from "@/features/teams/queries";
import { LimitTable, percentOf } from "./against-limits";
import { CloseMonth } from "./close-month";
import { SetPrice } from "./price-forms";
import { PriceTable } from "./prices";
import { csvAddress, type Price, type Usage, type UsageRow } from "./queries";
import { columnsOf, lastMonth, nameOf, rangeOf } from "./rows";
import { groupOf, moneySearch } from "./search";
import { OverTime } from "./spend";
import { LineTable } from "./statement-lines";
import { UnpricedTable } from "./unpriced";

beforeAll(() => {
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
});

const TEAM = "0f8fad5b-d9cb-469f-a165-70867728950e";
const ROW: UsageRow = {
  day: null,
  month: null,
  model: null,
  state: null,
  team_id: null,
  team: null,
  member_id: null,
  member: null,
  key_id: null,
  key: null,
  key_prefix: null,
  tag: null,
  generations: 1,
  settled_credits: 150000,
  held_credits: 0,
};
const USAGE: Usage = {
  object: "usage",
  from_day: "2025-12-15",
  to_day: "2026-02-01",
  time_zone: null,
  group_by: ["month"],
  data: [{ ...ROW, month: "2026-01", held_credits: 5 }],
  generations: 1,
  settled_credits: 150000,
  held_credits: 5,
  settled_money: { amount: "52.50", currency: "EUR" },
};

test("the address keeps what it understands, and the usual is left out", () => {
  expect(moneySearch({ view: "spend", by: "secret", from: "today", team: "films" })).toEqual({});
  const kept = { view: "statements", team: TEAM, month: "2026-10", kind: "correct", totals: "tag" };
  expect(moneySearch({ ...kept, limit: 5 })).toEqual(kept);
});

test("rows are by a tag only once it has a name", () => {
  expect(groupOf({}, "member")).toBe("member");
  expect(groupOf({ by: "tag" }, "member")).toBeNull();
  expect(groupOf({ by: "tag", tag: "cost_centre" }, "team")).toBe("metadata[cost_centre]");
});

test("a month in which nothing was made is a column, too, also over a new year", () => {
  expect(columnsOf(USAGE, "month")).toEqual([
    { day: "2025-12", settled: 0, held: 0 },
    { day: "2026-01", settled: 150000, held: 5 },
    { day: "2026-02", settled: 0, held: 0 },
  ]);
  const days = columnsOf({ ...USAGE, from_day: "2026-02-28", to_day: "2026-03-01", data: [] }, "day");
  expect(days.map(({ day }) => day)).toEqual(["2026-02-28", "2026-03-01"]);
});

test("ranges are whole, whatever the month before is like", () => {
  const now = new Date(2026, 2, 31, 12);
  expect(rangeOf("last month", now)).toEqual({ from: "2026-02-01", to: "2026-02-28" });
  expect(rangeOf("30 days", now)).toEqual({ from: "2026-03-02", to: "2026-03-31" });
  expect(rangeOf("this year", now).from).toBe("2026-01-01");
  expect(lastMonth(new Date(2026, 0, 1))).toBe("2025-12");
});

test("the CSV is of the same team, days and model as what is shown", () => {
  const all = new URL(csvAddress({ from: "2026-01-01", model: "ray-v3" }, "metadata[a b]"));
  expect(all.pathname).toBe("/api/v1/admin/usage");
  expect(Object.fromEntries(all.searchParams)).toEqual({
    format: "csv",
    group_by: "metadata[a b]",
    from: "2026-01-01",
    model: "ray-v3",
  });
  expect(new URL(csvAddress({ team: TEAM }, "day")).pathname).toBe(
    `/api/v1/admin/teams/${TEAM}/usage`,
  );
});

test("credits of several teams are in no one time zone, and in money where it is known", () => {
  render(<OverTime usage={USAGE} every="month" />);
  const said = screen.getByText(/credits spent/).textContent;
  expect(said).toContain("150\u202f000 credits spent (52.50 EUR at today's price)");
  expect(said).toContain("each team's time zone");
  expect(screen.getByRole("img", { name: /^Credits by month from 2025-12 to 2026-02/ })).toBeTruthy();
});

test("a row says what it is about, also where that is nothing", () => {
  expect(nameOf({ ...ROW, team: "films" }, "team")).toBe("films");
  expect(nameOf(ROW, "tag")).toBe("none");
  expect(nameOf({ ...ROW, key: "laptop", key_prefix: "rg_abc" }, "key")).toBe("laptop (rg_abc…)");
});

test("what is used of a limit is never rounded to nothing or to all", () => {
  expect([percentOf(0, 10), percentOf(1, 1000), percentOf(999, 1000), percentOf(10, 10)]).toEqual([
    "0 %",
    "under 1 %",
    "99 %",
    "100 %",
  ]);
  expect(percentOf(0, 0)).toBe("100 %");
});

test("grants count beside the limit, and a team without a limit has no gauge", () => {
  const team = {
    id: "1",
    name: "films",
    credit_limit: 100,
    granted_credits: 100,
    credit_period: "month",
    used_credits: 100,
    settled_credits: 60,
    held_credits: 40,
    remaining_credits: 100,
    resets_at: null,
  } as unknown as Team;
  const free = { ...team, id: "2", name: "free", credit_limit: null, remaining_credits: null };
  render(<LimitTable caption="Limits" rows={[team, free]} name={({ name }) => name} />);
  expect(screen.getByRole("meter", { name: "Used of the limit of films" }).getAttribute("aria-valuetext")).toBe("50 %");
  expect(screen.queryByRole("meter", { name: "Used of the limit of free" })).toBeNull();
});

test("corrections and what belongs to other months stand out among the lines", () => {
  const line: Schemas["StatementLine"] = {
    generation_id: "g",
    day: "2026-09-30",
    month: "2026-09",
    member_id: "m",
    member: "ada",
    key_id: "k",
    key: "laptop",
    key_prefix: "rg_abc",
    model: "ray-v3",
    tags: { cost_centre: "12" },
    kind: "correct",
    credits: -150000,
    held_credits: 0,
  };
  render(<LineTable lines={[line]} month="2026-10" />);
  const [, row] = screen.getAllByRole("row");
  if (!row) throw new Error("the row is missing");
  expect(within(row).getByText("correction")).toBeTruthy();
  expect(within(row).getByText("of 2026-09")).toBeTruthy();
  expect(row.textContent).toContain("-150\u202f000");
});

const PRICE: Price = {
  object: "price",
  id: "1",
  match: { model: "ray-v3", duration: "10s" },
  credits: 300000,
  effective_at: "2040-01-01T00:00:00Z",
  state: "upcoming",
  ended_at: null,
  reason: "the list",
  actor: "default/root",
  created_at: "2026-11-01T00:00:00Z",
  withdrawal: null,
};

test("only a price that does not count yet can be withdrawn", () => {
  const now = { ...PRICE, id: "2", state: "current" as const, match: { model: "ray-v2" } };
  render(<PriceTable prices={[PRICE, now]} onWithdraw={() => {}} />);
  const button = screen.getByRole("button", { name: "Withdraw the price of ray-v3, duration 10s" });
  expect(button).toBeTruthy();
  expect(screen.getAllByRole("button")).toHaveLength(1);
});

const OPTION = {
  required: false,
  minimum: null,
  maximum: null,
  default: null,
  description: "",
  image: null,
  native_allowed: null,
};
const MODEL = {
  id: "ray-v3",
  enabled: true,
  prices: [],
  unpriced: [{ duration: "5s", resolution: null }],
  options: [
    { ...OPTION, name: "prompt", native_name: "prompt", kind: "text", allowed: null },
    { ...OPTION, name: "duration", native_name: "duration", kind: "choice", allowed: ["5s", "10s"] },
    { ...OPTION, name: "loop", native_name: "loop", kind: "flag", allowed: null },
  ],
} as unknown as Model;

function opened(form: React.ReactNode, answer: object) {
  const sent: Request[] = [];
  vi.stubGlobal("fetch", (request: Request) => {
    sent.push(request);
    return Promise.resolve(Response.json(answer, { status: 201 }));
  });
  const queries = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  const catalogue: Catalogue = { object: "list", data: [MODEL], flagged_rules: "warn" };
  queries.setQueryData(catalogueQuery.queryKey, catalogue);
  render(<QueryClientProvider client={queries}>{form}</QueryClientProvider>);
  return sent;
}

test("a price is of the options that are chosen, and no other", async () => {
  const done = vi.fn();
  const sent = opened(<SetPrice onDone={done} onClose={() => {}} />, PRICE);
  await userEvent.selectOptions(screen.getByLabelText("duration"), "10s");
  await userEvent.selectOptions(screen.getByLabelText("loop"), "false");
  expect(screen.queryByLabelText("prompt")).toBeNull();
  await userEvent.type(screen.getByLabelText("Credits"), "300000");
  await userEvent.type(screen.getByLabelText("Reason"), "the list");
  await userEvent.click(screen.getByRole("button", { name: "Set the price" }));
  await vi.waitFor(() =>
    expect(done).toHaveBeenCalledWith(
      "ray-v3, duration 10s costs 300\u202f000 credits, from its date on.",
    ),
  );
  expect(await sent[0]?.json()).toEqual({
    match: { model: "ray-v3", duration: "10s", loop: false },
    credits: 300000,
    effective_at: null,
    reason: "the list",
  });
});

test("to end a price is to say so, not to leave the credits empty", async () => {
  const done = vi.fn();
  const ended = { ...PRICE, credits: null };
  const sent = opened(<SetPrice onDone={done} onClose={() => {}} />, ended);
  await userEvent.type(screen.getByLabelText("Credits"), "5");
  await userEvent.click(screen.getByRole("checkbox", { name: /^No credits/ }));
  await userEvent.type(screen.getByLabelText("Reason"), "over");
  await userEvent.click(screen.getByRole("button", { name: "Set the price" }));
  await vi.waitFor(() => expect(done).toHaveBeenCalledOnce());
  expect(await sent[0]?.json()).toMatchObject({ match: { model: "ray-v3" }, credits: null });
});

test("what is offered without a price is named as refused", () => {
  render(<UnpricedTable models={[MODEL, { ...MODEL, id: "off", enabled: false }]} />);
  expect(screen.getByRole("rowheader", { name: "ray-v3" })).toBeTruthy();
  expect(screen.queryByRole("rowheader", { name: "off" })).toBeNull();
});

test("a price waits for the models", () => {
  vi.stubGlobal("fetch", () => new Promise(() => {}));
  render(
    <QueryClientProvider client={new QueryClient()}>
      <SetPrice onDone={() => {}} onClose={() => {}} />
    </QueryClientProvider>,
  );
  const set = screen.getByRole<HTMLButtonElement>("button", { name: /^Waiting for/ });
  expect(set.disabled).toBe(true);
});

test("a month is closed once, and said only then", async () => {
  const done = vi.fn();
  const made = { month: "2026-10", credits: 150000 };
  const sent = opened(<CloseMonth team={TEAM} onDone={done} onClose={() => {}} />, made);
  const month = screen.getByLabelText("Month");
  await userEvent.clear(month);
  await userEvent.type(month, "2026-10");
  expect(done).not.toHaveBeenCalled();
  await userEvent.click(screen.getByRole("button", { name: "Close it for good" }));
  await vi.waitFor(() =>
    expect(done).toHaveBeenCalledWith("2026-10 is closed, with 150\u202f000 credits."),
  );
  expect(await sent[0]?.json()).toEqual({ month: "2026-10", reason: null });
});
