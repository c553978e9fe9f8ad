import { expect, test } from "vitest";
import { bytes, credits, seconds, span } from "./format";

test("credits are grouped by thin spaces that do not break", () => {
  expect(credits(0)).toBe("0");
  expect(credits(999)).toBe("999");
  expect(credits(150000)).toBe("150\u202f000");
  expect(credits(-1500000)).toBe("-1\u202f500\u202f000");
});

test("a length of time has minutes only where there are some", () => {
  expect(seconds(9.4)).toBe("9 s");
  expect(seconds(412)).toBe("6 min 52 s");
});

test("longer times are in the two units that matter", () => {
  expect(span(-5)).toBe("0 s");
  expect(span(412)).toBe("6 min 52 s");
  expect(span(4_980)).toBe("1 h 23 min");
  expect(span(187_200)).toBe("2 d 4 h");
});

test("sizes are in units of a thousand", () => {
  expect(bytes(999)).toBe("999 B");
  expect(bytes(280_700)).toBe("280.7 kB");
  expect(bytes(1_500_000_000)).toBe("1.5 GB");
});
