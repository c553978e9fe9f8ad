import { infiniteQueryOptions, mutationOptions } from "@tanstack/react-query";
import { api, brought, type Schemas } from "@/api/client";

export type Person = Schemas["SignInRequest"];

export const SIGN_INS = ["generations", "desk", "sign-ins"];

export const signInsQuery = (refused: boolean) =>
  infiniteQueryOptions({
    queryKey: [...SIGN_INS, { refused }],
    queryFn: async ({ pageParam }) =>
      brought(
        await api.GET("/api/v1/admin/sign-in-requests", {
          params: { query: { refused, limit: 50, ...(pageParam && { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
  });

export const acceptMutation = (id: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["Acceptance"]) =>
      brought(
        await api.POST("/api/v1/admin/sign-in-requests/{request_id}/accept", {
          params: { path: { request_id: id } },
          body,
        }),
      ),
  });

export const refuseMutation = (id: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["Reasoned"]) =>
      brought(
        await api.POST("/api/v1/admin/sign-in-requests/{request_id}/refuse", {
          params: { path: { request_id: id } },
          body,
        }),
      ),
  });
