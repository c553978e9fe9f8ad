import { infiniteQueryOptions, mutationOptions } from "@tanstack/react-query";
import { api, brought, type Schemas } from "@/api/client";
import { type Member, TEAMS } from "./queries";

export type TeamKey = Schemas["TeamKey"];

export const teamKeysQuery = (team: string) =>
  infiniteQueryOptions({
    queryKey: [...TEAMS, "keys", team],
    queryFn: async ({ pageParam }) =>
      brought(
        await api.GET("/api/v1/admin/teams/{team_id}/keys", {
          params: {
            path: { team_id: team },
            query: { limit: 50, ...(pageParam && { cursor: pageParam }) },
          },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
  });

/** `once` is the `Idempotency-Key` of the form. */
export const makeKeyMutation = (team: string, once: string) =>
  mutationOptions({
    mutationFn: async ({ member, body }: { member: string; body: Schemas["KeyRequest"] }) =>
      brought(
        await api.POST("/api/v1/admin/teams/{team_id}/members/{member_id}/keys", {
          params: {
            path: { team_id: team, member_id: member },
            header: { "Idempotency-Key": once },
          },
          body,
        }),
      ),
  });

export const changeKeyMutation = (id: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["KeyChange"]) =>
      brought(
        await api.PATCH("/api/v1/admin/keys/{key_id}", { params: { path: { key_id: id } }, body }),
      ),
  });

export const rotateKeyMutation = (id: string, once: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["KeyRotation"]) =>
      brought(
        await api.POST("/api/v1/admin/keys/{key_id}/rotate", {
          params: { path: { key_id: id }, header: { "Idempotency-Key": once } },
          body,
        }),
      ),
  });

export const revokeKeyMutation = (id: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["KeyRevocation"]) =>
      brought(
        await api.POST("/api/v1/admin/keys/{key_id}/revoke", {
          params: { path: { key_id: id } },
          body,
        }),
      ),
  });

export const revokeAllMutation = ({ team_id, id }: Member) =>
  mutationOptions({
    mutationFn: async (body: Schemas["KeyRevocation"]) =>
      brought(
        await api.POST("/api/v1/admin/teams/{team_id}/members/{member_id}/keys/revoke", {
          params: { path: { team_id, member_id: id } },
          body,
        }),
      ),
  });
