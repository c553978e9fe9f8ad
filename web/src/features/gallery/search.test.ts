import { expect, test } from "vitest";
import { videosSearch } from "./search";

test("the address keeps what is a filter and drops everything else", () => {
  expect(videosSearch({ state: "failed" })).toEqual({ state: "failed" });
  expect(videosSearch({ state: "lost", other: 1 })).toEqual({});
  expect(videosSearch({ state: ["failed"] })).toEqual({});
  expect(videosSearch({})).toEqual({});
});
