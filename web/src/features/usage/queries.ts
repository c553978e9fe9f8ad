import { queryOptions, skipToken } from "@tanstack/react-query";
import { api, brought, type Schemas } from "@/api/client";
import { at } from "@/lib/place";
import { groupOf, type UsageSearch } from "./search";

export type Usage = Schemas["Usage"];
export type UsageRow = Schemas["UsageRow"];

const OPEN: Schemas["State"][] = ["queued", "submitting", "running", "unknown"];

function asked(search: UsageSearch, group: string) {
  return {
    group_by: [group],
    ...(search.from && { from: search.from }),
    ...(search.to && { to: search.to }),
    ...(search.team && { scope: "team" as const }),
  };
}

/** Below `generations`, so that an event about one asks again. */
export const usageQuery = (search: UsageSearch) => {
  const group = groupOf(search);
  return queryOptions({
    queryKey: ["generations", "usage", search],
    queryFn:
      group === null
        ? skipToken
        : async () =>
            // As CSV it is a text; that is only what is downloaded.
            brought(
              await api.GET("/api/v1/usage", { params: { query: asked(search, group) } }),
            ) as Usage,
  });
};

export const openQuery = queryOptions({
  queryKey: ["generations", "open"],
  queryFn: async () =>
    brought(
      await api.GET("/api/v1/generations", { params: { query: { state: OPEN, limit: 50 } } }),
    ),
});

export function csvAddress(search: UsageSearch, group: string): string {
  const words = new URLSearchParams({ format: "csv" });
  for (const [name, value] of Object.entries(asked(search, group)))
    for (const one of [value].flat()) words.append(name, one);
  return at(`api/v1/usage?${words}`);
}
