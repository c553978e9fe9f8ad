import type { Schemas } from "@/api/client";

type State = Schemas["State"];

export const STATES = [
  "queued",
  "submitting",
  "running",
  "succeeded",
  "failed",
  "canceled",
  "unknown",
] as const satisfies readonly State[];
export const OPEN = ["queued", "submitting", "running", "unknown"] as const satisfies readonly State[];

/**
 * The filters, as the address has them. `state` is one state, or `open` for all that have not
 * ended. Days are those of the viewer; `from` may be `today`. `older`: asked for that many minutes
 * ago, or earlier.
 */
export interface StoriesSearch {
  state?: State | "open";
  team?: string;
  member?: string;
  key?: string;
  model?: string;
  from?: string;
  to?: string;
  older?: number;
  q?: string;
}

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
/** As much of a key as may be in an address. */
const SHOWN = 11;

export function storiesSearch(given: Record<string, unknown>): StoriesSearch {
  const text = (name: string) => {
    const value = given[name];
    // The router reads a number where digits stand.
    return typeof value === "string" || typeof value === "number" ? String(value).trim() : "";
  };
  const found: StoriesSearch = {};
  const state = [...STATES, "open" as const].find((one) => one === text("state"));
  if (state) found.state = state;
  for (const name of ["team", "member", "key"] as const)
    if (ID.test(text(name))) found[name] = text(name);
  if (text("model")) found.model = text("model");
  if (DAY.test(text("from")) || text("from") === "today") found.from = text("from");
  if (DAY.test(text("to"))) found.to = text("to");
  const older = Math.round(Number(text("older")));
  if (older > 0) found.older = older;
  const q = text("q").replace(/…$/, "");
  if (q) found.q = q.startsWith("rg_") ? q.slice(0, SHOWN) : q;
  return found;
}

/** What the API is asked, at this instant. */
export function asked(search: StoriesSearch, now: Date) {
  const before = [
    search.to && midnight(search.to, 1),
    search.older && new Date(now.getTime() - search.older * 60_000),
  ]
    .filter((one) => one instanceof Date)
    .sort((one, other) => one.getTime() - other.getTime())[0];
  const from =
    search.from === "today"
      ? new Date(now.getFullYear(), now.getMonth(), now.getDate())
      : search.from && midnight(search.from, 0);
  return {
    ...(search.state && { state: search.state === "open" ? [...OPEN] : [search.state] }),
    ...(search.team && { team_id: search.team }),
    ...(search.member && { member_id: search.member }),
    ...(search.key && { key_id: search.key }),
    ...(search.model && { model: search.model }),
    ...(search.q && { search: search.q }),
    ...(from && { created_from: from.toISOString() }),
    ...(before && { created_before: before.toISOString() }),
  };
}

/** At the beginning of this day of the viewer, or `later` days after. */
function midnight(day: string, later: number): Date {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later);
}

export interface View {
  name: string;
  search: StoriesSearch;
}

/** What is looked for most. Any other view is an address, which a browser can keep under a name. */
export const VIEWS: View[] = [
  { name: "All", search: {} },
  { name: "In flight", search: { state: "open" } },
  { name: "Failed today", search: { state: "failed", from: "today" } },
  { name: "Long queued", search: { state: "queued", older: 15 } },
];
