export const GROUPS = ["day", "model", "key", "member", "tag"] as const;
export type Group = (typeof GROUPS)[number];

export interface UsageSearch {
  from?: string;
  to?: string;
  by?: Exclude<Group, "day">;
  /** The name of the tag, where rows are by tag. */
  tag?: string;
  /** Of the whole team, for its leads. */
  team?: true;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** What the page shows, as its address has it. What is not said is the usual. */
export function usageSearch(given: Record<string, unknown>): UsageSearch {
  const { from, to, tag } = given;
  const by = GROUPS.find((one) => one === given.by);
  return {
    ...(typeof from === "string" && DAY.test(from) && { from }),
    ...(typeof to === "string" && DAY.test(to) && { to }),
    ...(by && by !== "day" && { by }),
    ...(by === "tag" && typeof tag === "string" && tag && { tag }),
    ...(given.team === true && { team: true as const }),
  };
}

/** As the API asks for it; null while the name of the tag is missing. */
export function groupOf(search: UsageSearch): string | null {
  if (search.by !== "tag") return search.by ?? "day";
  return search.tag ? `metadata[${search.tag}]` : null;
}
