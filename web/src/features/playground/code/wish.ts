import type { Body, Model } from "../queries";

/** A request, as what generates code for it needs it. */
export interface Wish {
  model: Model;
  body: Body;
  /** Of the gateway, without a slash at its end. */
  origin: string;
}

export interface Snippet {
  id: string;
  title: string;
  /** Ends with a new line. */
  code: string;
  /** What this API does in another way than the form says it. */
  notes: string[];
}

/** What the APIs of SDKs can say of a video, of the options that models have. */
export interface Facts {
  prompt: string;
  duration: string | undefined;
  aspectRatio: string | undefined;
  resolution: string | undefined;
  loop: boolean | undefined;
  image: string | undefined;
  /** Options that are left open, and get a value from the gateway. */
  filled: string[];
}

const FORMS: Record<string, RegExp> = {
  duration: /^[1-9]\d*s$/,
  aspect_ratio: /^[1-9]\d*:[1-9]\d*$/,
  resolution: /^[1-9]\d*p$/,
};

/**
 * The request in the words that the APIs of SDKs share; null if they cannot say it. What they cannot
 * say has to be what the gateway gives such requests anyway.
 */
export function factsOf({ model, body }: Wish): Facts | null {
  const image = model.options.find((option) => option.kind === "asset")?.name;
  const sayable = ["prompt", "duration", "aspect_ratio", "resolution", "loop", image];
  const filled: string[] = [];
  for (const { name, kind, required } of model.options) {
    const value = body[name];
    if (value === undefined) {
      if (name in model.defaults) filled.push(name);
      // A form that is not complete yet lacks these.
      else if (required && kind !== "text" && kind !== "asset") return null;
    } else if (!sayable.includes(name)) {
      if (value !== model.defaults[name]) return null;
    } else if (FORMS[name] && !(typeof value === "string" && FORMS[name].test(value))) return null;
  }
  const prompt = model.options.find((option) => option.name === "prompt");
  if (prompt?.kind !== "text" || (!prompt.required && body.prompt === undefined)) return null;
  return {
    prompt: typeof body.prompt === "string" ? body.prompt : "",
    duration: body.duration as string | undefined,
    aspectRatio: body.aspect_ratio as string | undefined,
    resolution: body.resolution as string | undefined,
    loop: body.loop as boolean | undefined,
    image: image === undefined ? undefined : (body[image] as string | undefined),
    filled,
  };
}

/** Whether a request may leave this open, and does. */
export function isOpen({ model, body }: Wish, name: string): boolean {
  return body[name] === undefined && model.options.some((option) => option.name === name);
}

export function notesOf(filled: string[]): string[] {
  const names = [...new Set(filled)].map((name) => name.replaceAll("_", " "));
  return names.length
    ? [`The form leaves open: ${names.join(", ")}. Through this API the gateway chooses it.`]
    : [];
}

/** 5, of `5s`. */
export function secondsOf(duration: string | undefined): number | undefined {
  return duration === undefined ? undefined : Number(duration.slice(0, -1));
}

/** `1280x720`, of `16:9` and `720p`: the short side has the lines, and both are even. */
export function sizeOf(aspectRatio: string, resolution: string): string {
  const [width = 1, height = 1] = aspectRatio.split(":").map(Number);
  const lines = Number(resolution.slice(0, -1));
  const long = 2 * halfToEven((lines * Math.max(width, height)) / Math.min(width, height) / 2);
  return width >= height ? `${long}x${lines}` : `${lines}x${long}`;
}

/** As Python rounds, which the gateway is written in. */
function halfToEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
