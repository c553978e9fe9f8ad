import { infiniteQueryOptions } from "@tanstack/react-query";
import { api, brought } from "@/api/client";
import { at } from "@/lib/place";
import type { AuditSearch } from "./audit-search";

export const auditQuery = (search: AuditSearch) =>
  infiniteQueryOptions({
    queryKey: ["desk", "audit", search],
    queryFn: async ({ pageParam }) =>
      brought(
        await api.GET("/api/v1/admin/audit", {
          params: { query: { ...search, limit: 50, ...(pageParam && { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
  });

export function exportAddress(search: AuditSearch): string {
  return at(`api/v1/admin/audit/export?${new URLSearchParams({ format: "csv", ...search })}`);
}
