import { queryOptions } from "@tanstack/react-query";
import { at } from "@/lib/place";

/** Issuers that people may sign in with. Without an answer, a key still signs in. */
export const issuersQuery = queryOptions({
  queryKey: ["issuers"],
  queryFn: async () => {
    const response = await fetch(at("app/oidc"));
    if (!response.ok) return [];
    const found = (await response.json()) as { data: { id: string; name: string }[] };
    return found.data;
  },
  staleTime: 60_000,
});
