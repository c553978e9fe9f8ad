import type { Model, Option } from "./queries";

const option = (name: string, kind: string, given: Partial<Option> = {}): Option => ({
  name,
  kind,
  required: false,
  allowed: null,
  minimum: null,
  maximum: null,
  default: null,
  description: "",
  image: null,
  native_name: name,
  native_allowed: given.allowed ?? null,
  ...given,
});

const model = (id: string, given: Partial<Model>): Model =>
  ({
    id,
    object: "model",
    feature: "TEXT_TO_VIDEO",
    provider: "acme/films",
    aliases: [],
    options: [],
    rules: [],
    defaults: {},
    native_fixed: {},
    prices: [],
    source: "test",
    as_of: "2026-11-01",
    retires_on: null,
    ...given,
  }) as Model;

const refused = { source: "documented", flagged: false };

/** Of nobody, with every kind of option. */
export const ACME = model("acme", {
  options: [
    option("text", "text", { required: true, maximum: 20 }),
    option("duration", "choice", { required: true, allowed: ["3s", "7s"] }),
    option("resolution", "choice", { allowed: ["480p", "720p", "1080p"] }),
    option("mode", "choice", { required: true, allowed: ["std", "pro"] }),
    option("grain", "integer", { minimum: 0, maximum: 9 }),
    option("weight", "number", { minimum: 0.5 }),
    option("loop", "flag"),
    option("frames", "assets", {
      minimum: 2,
      maximum: 3,
      image: {
        content_types: ["image/png", "image/jpeg"],
        max_bytes: 1_000_000,
        min_side: 300,
        max_side: 4096,
        min_ratio: 0.4,
        max_ratio: 2.5,
      },
    }),
  ],
  rules: [
    { when: { duration: ["7s"], resolution: ["1080p"] }, field: "resolution", reason: "must be 720p for 7s", ...refused },
    { when: { mode: ["std"] }, field: "mode", reason: "must be pro", ...refused },
    { when: { grain: [9] }, field: "grain", reason: "is coarse", source: "inferred", flagged: true },
  ],
});

/** Its resolution may be left out by its page, and not by its rules. */
export const STRICT = model("strict", {
  options: [
    option("prompt", "text", { required: true }),
    option("resolution", "choice", { allowed: ["768p", "1080p"] }),
  ],
  rules: [{ when: { resolution: [null] }, field: "resolution", reason: "is required", ...refused }],
});
