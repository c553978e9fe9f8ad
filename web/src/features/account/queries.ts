import { infiniteQueryOptions, mutationOptions } from "@tanstack/react-query";
import { api, brought, type Schemas } from "@/api/client";

const page = (cursor: string) => ({ limit: 20, ...(cursor && { cursor }) });
const paged = {
  initialPageParam: "",
  getNextPageParam: (last: { next_cursor: string | null }) => last.next_cursor,
};

export const noticesQuery = infiniteQueryOptions({
  queryKey: ["notices"],
  queryFn: async ({ pageParam }) =>
    brought(await api.GET("/api/v1/notices", { params: { query: page(pageParam) } })),
  ...paged,
});

export const requestsQuery = infiniteQueryOptions({
  queryKey: ["credit-requests"],
  queryFn: async ({ pageParam }) =>
    brought(await api.GET("/api/v1/credit-requests", { params: { query: page(pageParam) } })),
  ...paged,
});

export const askMutation = mutationOptions({
  mutationFn: async (body: Schemas["CreditRequestRequest"]) =>
    brought(await api.POST("/api/v1/credit-requests", { body })),
});

export const withdrawMutation = (id: string) =>
  mutationOptions({
    mutationFn: async () =>
      brought(
        await api.POST("/api/v1/credit-requests/{request_id}/withdraw", {
          params: { path: { request_id: id } },
        }),
      ),
  });
