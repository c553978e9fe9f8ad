import { infiniteQueryOptions, mutationOptions, queryOptions } from "@tanstack/react-query";
import { api, brought, type Schemas } from "@/api/client";
import { keyMutation, upstreamQuery } from "@/features/desk/queries";

export { keyMutation };

export type UpstreamKey = Schemas["UpstreamKey"];
export type Interval = Schemas["Interval"];

const SOON_MS = 1_000;
const AGAIN_MS = 10_000;

/** A worker tests a key within seconds: then the answer is asked for soon. */
export const keysQuery = queryOptions({
  ...upstreamQuery,
  refetchInterval: (query) =>
    query.state.data?.data.some((key) => key.test && key.test.result === null) ? SOON_MS : AGAIN_MS,
});

export const intervalsQuery = (label: string) =>
  infiniteQueryOptions({
    queryKey: ["desk", "watermarks", label],
    queryFn: async ({ pageParam }) =>
      brought(
        await api.GET("/api/v1/admin/upstream-keys/{label}/watermarks", {
          params: { path: { label }, query: { limit: 20, ...(pageParam && { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
  });

export const testMutation = (label: string) =>
  mutationOptions({
    mutationFn: async () =>
      brought(
        await api.POST("/api/v1/admin/upstream-keys/{label}/test", { params: { path: { label } } }),
      ),
  });
