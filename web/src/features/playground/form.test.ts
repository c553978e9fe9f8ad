import { expect, test } from "vitest";
import { begun, bodyOf, estimable, isDemanded, readBody, valueOf } from "./form";
import { ACME, STRICT } from "./models.test-data";
import { barred, issuesOf, lengthOf, warningsOf } from "./rules";

const found = (values: Parameters<typeof issuesOf>[1]) =>
  issuesOf(ACME, values).map(({ field, message }) => `${field} ${message}`);
const GOOD = { text: "a wave", duration: "3s", mode: "pro" };

test("a form begins with what breaks no rule, and with nothing where that may be left open", () => {
  expect(begun(ACME)).toEqual({ duration: "3s", resolution: "720p", mode: "pro", loop: false });
  expect(begun(STRICT)).toEqual({ resolution: "768p" });
});

test("another model keeps what it has too, and nothing that its rules bar", () => {
  const kept = { text: "a wave", duration: "7s", resolution: "1080p", mode: "std", grain: 3, prompt: "x" };
  expect(begun(ACME, kept)).toEqual({
    text: "a wave",
    duration: "7s",
    resolution: "720p",
    mode: "pro",
    grain: 3,
    loop: false,
  });
});

test("each field is told what is wrong with it", () => {
  expect(found(GOOD)).toEqual([]);
  expect(found({ duration: "3s", mode: "pro" })).toEqual(["text is required"]);
  expect(found({ ...GOOD, text: "  " })).toEqual(["text is required"]);
  expect(found({ ...GOOD, text: "🛶".repeat(20) })).toEqual([]);
  expect(found({ ...GOOD, text: "x".repeat(21) })).toEqual(["text must have at most 20 characters"]);
  expect(found({ ...GOOD, duration: "5s" })).toEqual(["duration must be one of 3s, 7s"]);
  expect(found({ ...GOOD, grain: 1.5 })).toEqual(["grain must be a whole number"]);
  expect(found({ ...GOOD, grain: 10 })).toEqual(["grain must be from 0 to 9"]);
  expect(found({ ...GOOD, weight: 0.4 })).toEqual(["weight must be at least 0.5"]);
  expect(found({ ...GOOD, frames: ["a"] })).toEqual(["frames must be from 2 to 3 images"]);
  expect(found({ ...GOOD, loop: "yes" })).toEqual(["loop must be true or false"]);
});

test("a rule bars a value beside the others, and is broken where both are chosen", () => {
  const long = { ...GOOD, duration: "7s" };
  expect(barred(ACME, long, "resolution", "1080p")).toBe("Resolution must be 720p for 7s (documented)");
  expect(barred(ACME, long, "resolution", "720p")).toBeNull();
  expect(barred(ACME, { ...GOOD, resolution: "1080p" }, "duration", "7s")).toMatch(/must be 720p/);
  expect(found({ ...long, resolution: "1080p" })).toEqual(["resolution must be 720p for 7s (documented)"]);
  expect(barred(STRICT, {}, "resolution", undefined)).toBe("Resolution is required (documented)");
  const resolution = STRICT.options[1];
  expect(resolution && isDemanded(STRICT, {}, resolution)).toBe(true);
});

test("what is only doubtful is a warning and refuses nothing", () => {
  expect(warningsOf(ACME, { ...GOOD, grain: 9 })).toEqual([{ field: "grain", message: "is coarse (inferred)" }]);
  expect(found({ ...GOOD, grain: 9 })).toEqual([]);
  expect(barred(ACME, GOOD, "grain", 9)).toBeNull();
});

test("a request has what is chosen, in the order of the model, and nothing that is left open", () => {
  const asked = { model: "acme", values: { loop: false, ...GOOD }, extras: { user: "u" } };
  const body = bodyOf(ACME, asked);
  expect(Object.keys(body)).toEqual(["feature", "model", "text", "duration", "mode", "loop", "user"]);
  expect(readBody(body, [ACME])).toEqual({ asked, issues: [] });
});

test("the price is asked for before the text and the image are there", () => {
  const body = bodyOf(ACME, { model: "acme", values: { duration: "3s", mode: "pro" }, extras: {} });
  expect(found(estimable(ACME, body) as never)).toEqual([]);
  const said = { ...body, text: "mine" };
  expect(estimable(ACME, said)).toEqual(said);
});

test("a body that no form can have is told why", () => {
  const told = (body: unknown) => readBody(body, [ACME]).issues.map(({ field }) => field);
  expect(told([])).toEqual([""]);
  expect(told({ model: "other" })).toEqual(["model"]);
  const good = { feature: "TEXT_TO_VIDEO", model: "acme" };
  expect(told({ ...good, feature: "X", extra: 1, loop: "yes", grain: "3", frames: "a" })).toEqual([
    "feature",
    "extra",
    "loop",
    "grain",
    "frames",
  ]);
  expect(told({ ...good, user: 1, metadata: { a: 1 } })).toEqual(["user", "metadata"]);
});

test("an address has texts where a form has numbers and flags", () => {
  const [grain, loop] = [ACME.options[4], ACME.options[6]];
  if (!grain || !loop) throw new Error("no such options");
  expect([valueOf(grain, "3"), valueOf(grain, ""), valueOf(grain, "x")]).toEqual([3, undefined, undefined]);
  expect([valueOf(loop, "false"), valueOf(loop, true), valueOf(loop, 1)]).toEqual([false, true, undefined]);
});

test("characters are counted as the gateway does", () => {
  expect(lengthOf("aé🛶")).toBe(3);
});
