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
}

/** The filters of the gallery, as its address has them. What is none is left out. */
export function videosSearch(given: Record<string, unknown>): VideosSearch {
  const state = STATES.find((one) => one === given.state);
  return state ? { state } : {};
}
