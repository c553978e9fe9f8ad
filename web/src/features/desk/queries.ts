import { infiniteQueryOptions, mutationOptions, queryOptions } from "@tanstack/react-query";
import { api, brought, type Schemas } from "@/api/client";

/** What happens to others' generations is told by no event here, so a view asks again itself. */
const AGAIN_MS = 10_000;

/** All figures of the desk's first page, in one answer. */
export const overviewQuery = queryOptions({
  queryKey: ["generations", "desk", "overview"],
  queryFn: async () => brought(await api.GET("/api/v1/admin/overview")),
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

export async function resolve(id: string, body: Schemas["ResolveRequest"]) {
  return brought(
    await api.POST("/api/v1/admin/unknown/{generation_id}/resolve", {
      params: { path: { generation_id: id } },
      body,
    }),
  );
}

export const resolveMutation = (id: string) =>
  mutationOptions({ mutationFn: (body: Schemas["ResolveRequest"]) => resolve(id, body) });

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
