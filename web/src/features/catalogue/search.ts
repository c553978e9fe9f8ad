export const SHOWN = ["all", "offered", "retiring", "disabled", "unpriced"] as const;
export type Shown = (typeof SHOWN)[number];

export interface CatalogueSearch {
  show?: Exclude<Shown, "all">;
  q?: string;
}

/** Which models the page shows, as its address has it. */
export function catalogueSearch(given: Record<string, unknown>): CatalogueSearch {
  const show = SHOWN.find((one) => one === given.show);
  // The router reads a number where digits stand.
  const q = typeof given.q === "string" || typeof given.q === "number" ? String(given.q).trim() : "";
  return { ...(show && show !== "all" && { show }), ...(q && { q }) };
}
