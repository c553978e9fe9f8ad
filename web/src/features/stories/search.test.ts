import { expect, test } from "vitest";
import { asked, storiesSearch } from "./search";

const NOW = new Date(2026, 10, 30, 14, 30);
const TEAM = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

test("what the address does not mean is left out", () => {
  expect(
    storiesSearch({ state: "made up", team: "films", from: "yesterday", older: -3, q: " " }),
  ).toEqual({});
  expect(storiesSearch({ state: "open", team: TEAM, from: "today", older: "15", q: 4711 })).toEqual({
    state: "open",
    team: TEAM,
    from: "today",
    older: 15,
    q: "4711",
  });
});

test("no more of a key comes into the address than may be shown", () => {
  expect(storiesSearch({ q: "rg_abcdefgh_the-secret-rest" }).q).toBe("rg_abcdefgh");
  expect(storiesSearch({ q: "rg_abcdefgh…" }).q).toBe("rg_abcdefgh");
});

test("days are whole days of the viewer", () => {
  expect(asked({ from: "2026-11-01", to: "2026-11-30" }, NOW)).toEqual({
    created_from: new Date(2026, 10, 1).toISOString(),
    created_before: new Date(2026, 11, 1).toISOString(),
  });
  expect(asked({ from: "today", state: "failed" }, NOW)).toEqual({
    state: ["failed"],
    created_from: new Date(2026, 10, 30).toISOString(),
  });
});

test("of two ends the earlier counts", () => {
  const before = (search: Parameters<typeof asked>[0]) => asked(search, NOW).created_before;
  expect(before({ older: 15 })).toBe(new Date(2026, 10, 30, 14, 15).toISOString());
  expect(before({ older: 15, to: "2026-11-30" })).toBe(new Date(2026, 10, 30, 14, 15).toISOString());
  expect(before({ older: 15, to: "2026-11-29" })).toBe(new Date(2026, 10, 30).toISOString());
});

test("what is open is what has not ended", () => {
  expect(asked({ state: "open", q: "video_1" }, NOW)).toEqual({
    state: ["queued", "submitting", "running", "unknown"],
    search: "video_1",
  });
});
