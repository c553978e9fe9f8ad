import { expect, test } from "vitest";
import { moved, NOTHING, reached, toggled } from "./selection";

const ORDER = ["a", "b", "c", "d", "e"];
const of = (ids: ReadonlySet<string>) => [...ids].sort();

test("a range reaches from the last one that was chosen, in both directions", () => {
  const c = toggled(NOTHING, "c");
  expect(of(reached(c, "e", ORDER).ids)).toEqual(["c", "d", "e"]);
  expect(of(reached(c, "a", ORDER).ids)).toEqual(["a", "b", "c"]);
  expect(of(reached(reached(c, "e", ORDER), "b", ORDER).ids)).toEqual(["b", "c", "d", "e"]);
});

test("without a beginning that is still in the list a range is one", () => {
  expect(of(reached(NOTHING, "d", ORDER).ids)).toEqual(["d"]);
  expect(of(reached(toggled(NOTHING, "gone"), "d", ORDER).ids)).toEqual(["d", "gone"]);
});

test("choosing again takes away", () => {
  expect(of(toggled(toggled(NOTHING, "a"), "a").ids)).toEqual([]);
});

test("arrows stay in the grid", () => {
  expect(moved("ArrowRight", 0, 3, 7)).toBe(1);
  expect(moved("ArrowDown", 1, 3, 7)).toBe(4);
  expect(moved("ArrowUp", 1, 3, 7)).toBe(1);
  expect(moved("ArrowDown", 5, 3, 7)).toBe(5);
  expect(moved("ArrowLeft", 0, 3, 7)).toBe(0);
  expect(moved("End", 2, 3, 7)).toBe(6);
  expect(moved("Home", 4, 3, 7)).toBe(0);
  expect(moved("Enter", 4, 3, 7)).toBeNull();
});
