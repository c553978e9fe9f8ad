import { expect, test } from "vitest";
import { queryOf, videosSearch } from "./search";

test("the address keeps what is a filter and drops everything else", () => {
  expect(videosSearch({ state: "failed" })).toEqual({ state: "failed" });
  expect(videosSearch({ state: "lost", other: 1 })).toEqual({});
  expect(videosSearch({ state: ["failed"], favorite: "yes", from: "today", to: "2026-13-99" })).toEqual({});
  expect(videosSearch({ tag: "project", q: "  " })).toEqual({});
  const all = {
    state: "succeeded", model: "ray-v3", tag: "project=a=b", favorite: true,
    from: "2026-11-01", to: "2026-11-30", q: "red fox",
  };
  expect(videosSearch(all)).toEqual(all);
});

test("a search of digits alone is a search", () => {
  expect(videosSearch({ q: 1999 })).toEqual({ q: "1999" });
});

test("filters are asked for in the words of the API, days in the zone of the viewer", () => {
  expect(queryOf({})).toEqual({});
  expect(queryOf({ tag: "project=a=b", favorite: true, state: "failed" })).toEqual({
    metadata: { project: "a=b" },
    favorite: true,
    state: ["failed"],
  });
  const { created_from, created_before } = queryOf({ from: "2026-11-30", to: "2026-11-30" });
  expect(created_from).toBe(new Date(2026, 10, 30).toISOString());
  expect(created_before).toBe(new Date(2026, 11, 1).toISOString());
});
