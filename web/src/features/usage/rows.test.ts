import { expect, test } from "vitest";
import type { Usage, UsageRow } from "./queries";
import { columnsOf, nameOf } from "./rows";
import { groupOf, usageSearch } from "./search";

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

test("a day on which nothing was made is a column, too", () => {
  const usage: Usage = {
    object: "usage",
    from_day: "2026-02-27",
    to_day: "2026-03-02",
    time_zone: "Europe/Berlin",
    group_by: ["day"],
    data: [{ ...ROW, day: "2026-03-01", held_credits: 5 }],
    generations: 1,
    settled_credits: 150000,
    held_credits: 5,
    settled_money: null,
  };
  expect(columnsOf(usage)).toEqual([
    { day: "2026-02-27", settled: 0, held: 0 },
    { day: "2026-02-28", settled: 0, held: 0 },
    { day: "2026-03-01", settled: 150000, held: 5 },
    { day: "2026-03-02", settled: 0, held: 0 },
  ]);
});

test("a row says what it is about, also where that is nothing", () => {
  expect(nameOf({ ...ROW, key: "laptop", key_prefix: "rg_abc" }, "key")).toBe("laptop (rg_abc…)");
  expect(nameOf({ ...ROW, member: "ada" }, "member")).toBe("ada");
  expect(nameOf(ROW, "tag")).toBe("none");
});

test("the address keeps what it understands, and the usual is left out", () => {
  expect(usageSearch({ by: "day", from: "yesterday", team: "true" })).toEqual({});
  expect(usageSearch({ by: "model", tag: "x", from: "2026-01-01", team: true })).toEqual({
    by: "model",
    from: "2026-01-01",
    team: true,
  });
});

test("rows are by a tag only once it has a name", () => {
  expect(groupOf(usageSearch({ by: "tag" }))).toBeNull();
  expect(groupOf(usageSearch({ by: "tag", tag: "cost_centre" }))).toBe("metadata[cost_centre]");
  expect(groupOf({})).toBe("day");
});
