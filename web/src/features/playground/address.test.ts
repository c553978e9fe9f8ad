import { defaultParseSearch, defaultStringifySearch } from "@tanstack/react-router";
import { expect, test } from "vitest";
import type { Generation } from "@/features/gallery/queries";
import { askedOf, remade, searchOf } from "./address";
import type { Asked } from "./form";
import { ACME, STRICT } from "./models.test-data";
import { playSearch } from "./search";

const MODELS = [STRICT, ACME];

/** As the router writes an address and reads it. */
function there(asked: Asked): Asked {
  const address = defaultStringifySearch(searchOf(asked).search);
  return askedOf(playSearch(defaultParseSearch(address)), MODELS, STRICT);
}

test("an address carries the whole form, whatever it says", () => {
  const asked: Asked = {
    model: "acme",
    values: {
      text: '3 "a" & b=c #1',
      duration: "7s",
      mode: "pro",
      grain: 0,
      weight: 1.5,
      loop: false,
      frames: ["one", "two"],
    },
    extras: { user: "007", metadata: { cost_centre: "4711" } },
  };
  expect(there(asked)).toEqual(asked);
  for (const text of ["3", "true", "null", "[1]", "{}", " "])
    expect(there({ ...asked, values: { ...asked.values, text } }).values.text).toBe(text);
});

test("what is left open stays open, and nothing is asked twice", () => {
  const asked = { model: "acme", values: { duration: "3s", mode: "pro" }, extras: {} };
  expect(there(asked)).toEqual(asked);
});

test("an address of a model alone begins its form, and one by hand is completed", () => {
  expect(askedOf({ model: "acme" }, MODELS, STRICT).values).toMatchObject({ duration: "3s", mode: "pro" });
  expect(askedOf({ model: "acme", text: "hi" }, MODELS, STRICT).values).toEqual({
    text: "hi",
    duration: "3s",
    mode: "pro",
  });
  expect(askedOf({ model: "gone" }, MODELS, STRICT).model).toBe("strict");
});

test("what is too long for an address is left out, and said", () => {
  const long = { model: "acme", values: { text: "x".repeat(9000), duration: "3s" }, extras: {} };
  expect(searchOf(long)).toEqual({ search: { model: "acme", duration: "3s" }, left: ["text"] });
});

test("an earlier video is made again as it was asked for", () => {
  const spec = { model: "acme", text: "a wave", duration: "7s", loop: null, grain: 2, prompt: null };
  const made = { spec, user: null, metadata: { a: "b" } } as unknown as Generation;
  expect(remade(made, MODELS)).toEqual({
    model: "acme",
    values: { text: "a wave", duration: "7s", grain: 2 },
    extras: { metadata: { a: "b" } },
  });
  expect(remade({ ...made, spec: { ...made.spec, model: "gone" } }, MODELS)).toBeNull();
});
