import { render, screen, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { List } from "./catalogue-page";
import type { Catalogue, Model } from "./queries";
import { catalogueSearch } from "./search";
import { allowedOf, daysUntil, effectOf, matching, priceOf, sorted, stateOf, usuallyOf, whenOf } from "./words";

const NOW = new Date("2026-11-30T23:30:00Z");

const MODEL = {
  id: "ray-v3",
  object: "model",
  feature: "TEXT_TO_VIDEO",
  provider: "luma",
  aliases: ["sora-2"],
  options: [],
  rules: [],
  prices: [
    { duration: "5s", resolution: null, credits: 150_000, price: "default", price_change: null },
    { duration: "10s", resolution: null, credits: 300_000, price: "x", price_change: null },
  ],
  source: "a page",
  as_of: "2026-11-01",
  retires_on: null,
  expected: {
    wait_p50_seconds: null,
    wait_p90_seconds: null,
    duration_p50_seconds: null,
    duration_p90_seconds: null,
  },
  enabled: true,
  reason: null,
  title: "Luma",
  doubt: null,
  fixed: {},
  defaults: {},
  text_model: null,
  unpriced: [],
} as unknown as Model;
const OFF: Model = { ...MODEL, id: "sora-1", enabled: false, reason: "Switched off.", aliases: [] };
const LATER: Model = { ...MODEL, id: "later", retires_on: "2027-06-01", aliases: [] };
const SOON: Model = { ...MODEL, id: "soon", retires_on: "2026-12-01", aliases: [] };
const DEAR: Model = {
  ...MODEL,
  id: "dear",
  aliases: [],
  prices: [],
  unpriced: [{ duration: "5s", resolution: "720p" }],
};
const ALL = [OFF, MODEL, LATER, DEAR, SOON];
const names = (models: Model[]) => models.map((model) => model.id);

test("what ends comes first, the soonest at the top, and what is off last", () => {
  expect(names(sorted(ALL))).toEqual(["soon", "later", "ray-v3", "dear", "sora-1"]);
});

test("days are whole ones, and an end is an end", () => {
  expect(daysUntil("2026-12-01", NOW)).toBe(1);
  expect(stateOf(SOON, NOW).word).toBe("retires in 1 day");
  expect(stateOf({ ...SOON, retires_on: "2026-11-30" }, NOW).word).toBe("has retired");
  expect(stateOf(OFF, NOW).word).toBe("disabled");
});

test("the address chooses what is shown", () => {
  expect(names(matching(ALL, { show: "retiring" }))).toEqual(["later", "soon"]);
  expect(names(matching(ALL, { show: "unpriced" }))).toEqual(["dear"]);
  expect(names(matching(ALL, { q: "SORA-2" }))).toEqual(["ray-v3"]);
  expect(catalogueSearch({ show: "all", q: " 2 " })).toEqual({ q: "2" });
  expect(catalogueSearch({ show: "secret", q: 3 })).toEqual({ q: "3" });
});

test("what has no price is refused, and never 0", () => {
  expect(priceOf(MODEL)).toBe("150\u202f000 to 300\u202f000");
  expect(priceOf(DEAR)).toBe("no price: refused");
});

test("what may be sent is a list, a range, or its end", () => {
  const option = {
    name: "x",
    required: false,
    allowed: null,
    default: null,
    description: "",
    image: null,
    native_name: "x",
    native_allowed: null,
  };
  const range = { minimum: null, maximum: null };
  expect(allowedOf({ ...option, ...range, kind: "choice", allowed: ["5s", "10s"] })).toBe("5s, 10s");
  expect(allowedOf({ ...option, ...range, kind: "flag" })).toBe("true, false");
  expect(allowedOf({ ...option, kind: "text", minimum: null, maximum: 2500 })).toBe(
    "at most 2\u202f500 characters",
  );
  expect(allowedOf({ ...option, kind: "assets", minimum: 1, maximum: 4 })).toBe("1 to 4 images");
});

test("a flagged rule does what the policy says, another one refuses", () => {
  const rule = { field: "a", when: {}, reason: "no", source: "inferred", flagged: true };
  expect(effectOf(rule, "warn")).toBe("flagged: passed on with a warning");
  expect(effectOf(rule, "refuse")).toBe("flagged: refuse");
  expect(effectOf({ ...rule, flagged: false }, "warn")).toBe("refused");
});

test("how long it takes is said in words, and not of too few", () => {
  expect(usuallyOf(125, 361.2)).toBe("2 min 5 s; nine of ten within 6 min 1 s");
  expect(usuallyOf(null, null)).toBe("not known: too few have finished");
});

test("a rule says of which requests it is, also of what they leave out", () => {
  expect(whenOf({ duration: ["9s", "10s"], loop: [true] })).toBe("duration 9s or 10s, and loop true");
  expect(whenOf({ resolution: [null] })).toBe("resolution left out");
});

test("a model that is not offered says why, and its price gaps are none of a person's business", () => {
  const catalogue: Catalogue = { object: "list", data: [OFF, DEAR], flagged_rules: "warn" };
  render(<List catalogue={catalogue} search={{}} now={NOW} />);
  expect(screen.getByText("1 of 2 models are offered.", { exact: false })).toBeTruthy();
  const [dear, off] = within(screen.getByRole("list", { name: "Models" })).getAllByRole("listitem");
  if (!dear || !off) throw new Error("a model is missing");
  expect(within(dear).getByText("no price")).toBeTruthy();
  expect(within(off).getByText("Switched off.")).toBeTruthy();
  expect(within(off).queryByText("no price")).toBeNull();
});
