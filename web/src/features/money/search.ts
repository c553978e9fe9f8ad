export const VIEWS = ["spend", "drift", "statements", "prices"] as const;
export type View = (typeof VIEWS)[number];
export const GROUPS = ["team", "member", "model", "key", "tag"] as const;
export type Group = (typeof GROUPS)[number];
export const PRICE_STATES = ["current", "upcoming", "past", "withdrawn"] as const;
export type PriceState = (typeof PRICE_STATES)[number];
export const TOTALS = ["member", "key", "model", "month", "tag"] as const;
export const KINDS = ["settle", "correct", "unknown", "open"] as const;

export interface MoneySearch {
  view?: Exclude<View, "spend">;
  from?: string;
  to?: string;
  every?: "month";
  by?: Group;
  /** The name of a tag, where rows are by tag. */
  tag?: string;
  /** The id of a team, of which alone it is. */
  team?: string;
  model?: string;
  /** Of a statement. */
  month?: string;
  totals?: (typeof TOTALS)[number];
  kind?: (typeof KINDS)[number];
  /** Of prices. */
  state?: PriceState;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MONTH = /^\d{4}-\d{2}$/;
const ID = /^[0-9a-f-]{36}$/i;

function one<T extends string>(words: readonly T[], given: unknown): T | undefined {
  return words.find((word) => word === given);
}

function matching(given: unknown, pattern: RegExp): string | undefined {
  return typeof given === "string" && pattern.test(given) ? given : undefined;
}

/** What the page shows, as its address has it. What is not said is the usual. */
export function moneySearch(given: Record<string, unknown>): MoneySearch {
  const view = one(VIEWS, given.view);
  const by = one(GROUPS, given.by);
  const found = {
    view: view === "spend" ? undefined : view,
    from: matching(given.from, DAY),
    to: matching(given.to, DAY),
    every: one(["month"], given.every),
    by,
    tag: matching(given.tag, /\S/),
    team: matching(given.team, ID),
    model: matching(given.model, /\S/),
    month: matching(given.month, MONTH),
    totals: one(TOTALS, given.totals),
    kind: one(KINDS, given.kind),
    state: one(PRICE_STATES, given.state),
  };
  const kept = Object.entries(found).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept);
}

/** As the API asks for it; null while the name of the tag is missing. */
export function groupOf({ by, tag }: MoneySearch, usual: Group): string | null {
  const group = by ?? usual;
  if (group !== "tag") return group;
  return tag ? `metadata[${tag}]` : null;
}
