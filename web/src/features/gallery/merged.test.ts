import { expect, test } from "vitest";
import { emptyTail, isApart, merged } from "./merged";
import { page, video } from "./sample.test-data";

const ids = (numbers: number[]) => numbers.map((number) => video(number).id);

test("what is newer than its last video is as the newest page has it", () => {
  const pages = [page([6, 5, 4], "a"), page([3, 2, 1])];
  const newest = page([7, 6, 4], "b");
  expect(merged(newest, pages).map((one) => one.id)).toEqual(ids([7, 6, 4, 3, 2, 1]));
});

test("a newest page that is the last is all there is", () => {
  expect(merged(page([2]), [page([2, 1])]).map((one) => one.id)).toEqual(ids([2]));
});

test("ids decide between videos of one instant, as in the API", () => {
  const at = video(1).created_at;
  const [one, two, three] = [video(1), video(2, { created_at: at }), video(3, { created_at: at })];
  const newest = { ...page([], "a"), data: [three, two] };
  const before = { ...page([]), data: [three, two, one] };
  expect(merged(newest, [before])).toEqual([three, two, one]);
});

test("pages that were left far behind are read again", () => {
  const pages = [page([3, 2, 1])];
  expect(isApart(page([9, 8, 7], "a"), pages)).toBe(true);
  expect(isApart(page([5, 4, 3], "a"), pages)).toBe(false);
  expect(isApart(page([9, 8, 7]), pages)).toBe(false);
  expect(isApart(page([], "a"), pages)).toBe(false);
});

test("a search is tired after pages without a find, and wakes with one", () => {
  expect(emptyTail([page([1], "a")])).toBe(0);
  expect(emptyTail([page([1], "a"), page([], "b"), page([], "c")])).toBe(2);
  expect(emptyTail([page([], "a"), page([], "b")])).toBe(2);
  expect(emptyTail([page([], "a"), page([1], "b")])).toBe(0);
});
