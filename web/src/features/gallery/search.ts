import type { Schemas } from "@/api/client";

export const STATES = [
  "queued",
  "submitting",
  "running",
  "succeeded",
  "failed",
  "canceled",
  "unknown",
] as const satisfies readonly Schemas["State"][];

export interface VideosSearch {
  state?: Schemas["State"];
  model?: string;
  /** `name=value`, as the API has it in `metadata`. */
  tag?: string;
  favorite?: true;
  /** Days of the viewer, both of them included. */
  from?: string;
  to?: string;
  /** Words of the prompt. */
  q?: string;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const TAG = /^[^=]{1,64}=.{1,512}$/s;
/** As many as the API takes. */
const LONGEST_SEARCH = 200;

/** The filters of the gallery, as its address has them. What is none is left out. */
export function videosSearch(given: Record<string, unknown>): VideosSearch {
  const state = STATES.find((one) => one === given.state);
  const text = (name: string) => (typeof given[name] === "string" ? given[name].trim() : "");
  const day = (name: string) => (DAY.test(text(name)) && !isNaN(Date.parse(text(name))) ? text(name) : "");
  // A search of digits alone is a number in the address.
  const q = typeof given.q === "number" ? String(given.q) : text("q");
  return {
    ...(state && { state }),
    ...(text("model") && { model: text("model") }),
    ...(TAG.test(text("tag")) && { tag: text("tag") }),
    ...(given.favorite === true && { favorite: true as const }),
    ...(day("from") && { from: day("from") }),
    ...(day("to") && { to: day("to") }),
    ...(q && { q: q.slice(0, LONGEST_SEARCH) }),
  };
}

/** The same as the API asks for it. */
export function queryOf({ state, model, tag, favorite, from, to, q }: VideosSearch) {
  const [name = "", ...value] = tag?.split("=") ?? [];
  return {
    ...(state && { state: [state] }),
    ...(model && { model }),
    ...(name && { metadata: { [name]: value.join("=") } }),
    ...(favorite && { favorite }),
    ...(from && { created_from: midnight(from) }),
    ...(to && { created_before: midnight(to, 1) }),
    ...(q && { q }),
  };
}

/** The beginning of a day of the viewer, or of the one so many days later. */
function midnight(day: string, later = 0): string {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}
