const FILTERS = ["actor", "action", "subject", "member"] as const;
export type Filter = (typeof FILTERS)[number];
export const AUDIT_FILTERS = FILTERS;

export type AuditSearch = Partial<Record<Filter, string>>;

/** The filters of the audit log, as its address has them. */
export function auditSearch(given: Record<string, unknown>): AuditSearch {
  const search: AuditSearch = {};
  for (const name of FILTERS) {
    const value = given[name];
    // The router reads a number where digits stand.
    if (typeof value === "string" || typeof value === "number")
      if (String(value).trim()) search[name] = String(value).trim();
  }
  return search;
}
