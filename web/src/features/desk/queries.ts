import { infiniteQueryOptions, mutationOptions, queryOptions } from "@tanstack/react-query";
import { api, brought, type Schemas } from "@/api/client";

const OPEN: Schemas["State"][] = ["queued", "submitting", "running", "unknown"];
/** What happens to others' generations is told by no event here, so a view asks again itself. */
const AGAIN_MS = 10_000;
const OLD_MS = 15 * 60_000;
export const MOST = 100;

export const flightQuery = queryOptions({
  queryKey: ["generations", "desk", "flight"],
  queryFn: async () =>
    brought(
      await api.GET("/api/v1/admin/generations", {
        params: { query: { state: OPEN, limit: MOST } },
      }),
    ),
  refetchInterval: AGAIN_MS,
});

/** What has been in flight for a quarter of an hour: rarely anything, whatever the load. */
export const oldQuery = queryOptions({
  queryKey: ["generations", "desk", "old"],
  queryFn: async () =>
    brought(
      await api.GET("/api/v1/admin/generations", {
        params: {
          query: {
            state: OPEN,
            limit: MOST,
            created_before: new Date(Date.now() - OLD_MS).toISOString(),
          },
        },
      }),
    ),
  refetchInterval: AGAIN_MS,
});

export const pausesQuery = queryOptions({
  queryKey: ["desk", "pauses"],
  queryFn: async () => brought(await api.GET("/api/v1/admin/pauses")),
  refetchInterval: AGAIN_MS,
});

export const upstreamQuery = queryOptions({
  queryKey: ["desk", "upstream"],
  queryFn: async () => brought(await api.GET("/api/v1/admin/upstream-keys")),
  refetchInterval: AGAIN_MS,
});

export const unknownsQuery = infiniteQueryOptions({
  queryKey: ["generations", "desk", "unknown"],
  queryFn: async ({ pageParam }) =>
    brought(
      await api.GET("/api/v1/admin/unknown", {
        params: { query: { limit: 50, ...(pageParam && { cursor: pageParam }) } },
      }),
    ),
  initialPageParam: "",
  getNextPageParam: (last) => last.next_cursor,
});

export const answerQuery = (id: string) =>
  queryOptions({
    queryKey: ["desk", "answer", id],
    queryFn: async () =>
      brought(
        await api.GET("/api/v1/admin/generations/{generation_id}/upstream-answer", {
          params: { path: { generation_id: id } },
        }),
      ),
  });

export const resolveMutation = (id: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["ResolveRequest"]) =>
      brought(
        await api.POST("/api/v1/admin/unknown/{generation_id}/resolve", {
          params: { path: { generation_id: id } },
          body,
        }),
      ),
  });

export const pauseMutation = (name: Schemas["Pause"], deed: "pause" | "resume") =>
  mutationOptions({
    mutationFn: async (body: Schemas["Because"]) =>
      brought(
        await api.POST(`/api/v1/admin/pauses/{name}/${deed}`, {
          params: { path: { name } },
          body,
        }),
      ),
  });

export const keyMutation = (label: string, deed: "pause" | "return") =>
  mutationOptions({
    mutationFn: async (body: Schemas["Because"]) =>
      brought(
        await api.POST(`/api/v1/admin/upstream-keys/{label}/${deed}`, {
          params: { path: { label } },
          body,
        }),
      ),
  });
