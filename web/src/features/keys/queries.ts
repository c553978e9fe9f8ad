import { infiniteQueryOptions, mutationOptions } from "@tanstack/react-query";
import { api, brought, type Schemas } from "@/api/client";

export type Key = Schemas["MemberKey"];
export type KeyWithSecret = Schemas["MemberKeyWithSecret"];

export const keysQuery = infiniteQueryOptions({
  queryKey: ["keys"],
  queryFn: async ({ pageParam }) =>
    brought(
      await api.GET("/api/v1/keys", {
        params: { query: { limit: 50, ...(pageParam && { cursor: pageParam }) } },
      }),
    ),
  initialPageParam: "",
  getNextPageParam: (last) => last.next_cursor,
});

/** `once` is the `Idempotency-Key` of the form. */
export const createMutation = (once: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["KeyRequest"]) =>
      brought(
        await api.POST("/api/v1/keys", { params: { header: { "Idempotency-Key": once } }, body }),
      ),
  });

export const rotateMutation = (id: string, once: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["KeyRotation"]) =>
      brought(
        await api.POST("/api/v1/keys/{key_id}/rotate", {
          params: { path: { key_id: id }, header: { "Idempotency-Key": once } },
          body,
        }),
      ),
  });

export const revokeMutation = (id: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["KeyRevocation"]) =>
      brought(
        await api.POST("/api/v1/keys/{key_id}/revoke", { params: { path: { key_id: id } }, body }),
      ),
  });

export type KeyState = "active" | "expired" | "revoked";

export function stateOf(key: Key, now: Date): KeyState {
  if (key.revoked_at && new Date(key.revoked_at) <= now) return "revoked";
  return key.expires_at && new Date(key.expires_at) <= now ? "expired" : "active";
}
