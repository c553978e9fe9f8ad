import { expect, test } from "vitest";
import type { Generation } from "./queries";
import { settled } from "./receipt";

const of = (state: Generation["state"], credits: number | null) =>
  settled({ state, settled_credits: credits } as Generation);

test("what it cost is said in words where there is no figure yet", () => {
  expect(of("succeeded", 150000)).toBe("150\u202f000 credits");
  expect(of("failed", 150000)).toBe("150\u202f000 credits");
  expect(of("failed", 0)).toBe("0 credits");
  expect(of("canceled", null)).toBe("nothing");
  expect(of("running", null)).toBe("held until it ends");
  // The only state in which nobody may say that nothing was spent.
  expect(of("unknown", null)).toMatch(/nobody knows/);
});
