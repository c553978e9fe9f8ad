import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import type { Body, Model } from "../queries";
import { python, shell } from "./literals";
import { nativeBody } from "./plain";
import { snippetsOf } from "./snippets";
import { sizeOf } from "./wish";

/** `tests/web/test_snippets.py` runs what is there, against a gateway. */
const GOLDEN = resolve(import.meta.dirname, "../../../../../tests/web/golden");
const models = JSON.parse(readFileSync(resolve(GOLDEN, "models.json"), "utf8")) as Model[];
const IMAGE = "11111111-2222-4333-8444-555555555555";
const HARD = `it's a "paper" boat\n$HOME \`rm\` \\n 'a' 100 % <b> 🛶`;

const CASES: Record<string, Body> = {
  luma: {
    feature: "TEXT_TO_VIDEO",
    model: "ray-v3",
    prompt: HARD,
    duration: "5s",
    aspect_ratio: "16:9",
    resolution: "720p",
    loop: false,
  },
  "luma-image": {
    feature: "IMAGE_TO_VIDEO",
    model: "ray-v2-image",
    image: IMAGE,
    prompt: "it comes to life",
    duration: "10s",
    aspect_ratio: "9:21",
    loop: true,
  },
  kling: {
    feature: "TEXT_TO_VIDEO",
    model: "kling-2.5",
    prompt: "a kite",
    duration: "10s",
    mode: "pro",
    aspect_ratio: "1:1",
    user: "reader-7",
    metadata: { cost_centre: "4711" },
  },
  "kling-pro": {
    feature: "TEXT_TO_VIDEO",
    model: "kling-1.6",
    prompt: "a kite",
    duration: "5s",
    mode: "pro",
    negative_prompt: "people",
    cfg_scale: 0.25,
    camera_control_type: "zoom",
    camera_control_value: -3,
  },
  hailuo: { feature: "TEXT_TO_VIDEO", model: "hailuo-01", prompt: "a fox", resolution: "768p" },
};

const wishOf = (body: Body) => {
  const model = models.find((one) => one.id === body.model);
  if (!model) throw new Error(`no model ${String(body.model)}`);
  return { model, body, origin: "https://video.example.com" };
};

test.each(Object.keys(CASES))("the code of %s is the one that is run", (name) => {
  const body = CASES[name] ?? {};
  const parts = snippetsOf(wishOf(body)).map(({ id, code }) => `----- ${id}\n${code}`);
  const found = `${JSON.stringify(body, null, 2)}\n${parts.join("")}`;
  const file = resolve(GOLDEN, `${name}.txt`);
  if (process.env.REWRITE_GOLDEN) writeFileSync(file, found);
  expect(found).toBe(readFileSync(file, "utf8"));
});

test("what an API chooses itself is said", () => {
  const { notes } = snippetsOf(wishOf(CASES.hailuo ?? {})).find(({ id }) => id === "openai") ?? {};
  expect(notes).toEqual(["The form leaves open: duration. Through this API the gateway chooses it."]);
});

test("a form that is not complete shows all the same what it will be", () => {
  const body = { ...CASES["luma-image"], image: undefined, prompt: undefined, loop: false };
  const shown = snippetsOf(wishOf(body)).map(({ id }) => id);
  expect(shown).toEqual(["curl", "fetch", "requests", "openai", "lumaai", "openrouter", "rest"]);
});

test("a callback is for none of 1min.ai's requests", () => {
  const body = { ...CASES.luma, callback_url: "https://example.com/hook" };
  expect(nativeBody(wishOf(body))).toBeNull();
  expect(snippetsOf(wishOf(body)).map(({ id }) => id)).toEqual(["openai", "lumaai", "openrouter", "rest"]);
});

test("words are quoted as each language does it", () => {
  expect(shell("it's $HOME")).toBe(`'it'\\''s $HOME'`);
  expect(python({ a: [true, null, 1.5, "x\n"] })).toBe(
    '{\n    "a": [\n        True,\n        None,\n        1.5,\n        "x\\n",\n    ],\n}',
  );
});

test("a size is that of the gateway, to the pixel", () => {
  expect(["16:9", "9:16", "1:1", "21:9"].map((ratio) => sizeOf(ratio, "720p"))).toEqual([
    "1280x720",
    "720x1280",
    "720x720",
    "1680x720",
  ]);
  // 683 from 682.7, and a half goes to what is even.
  expect(sizeOf("16:9", "768p")).toBe("1366x768");
  expect(sizeOf("3:2", "721p")).toBe("1082x721");
});
