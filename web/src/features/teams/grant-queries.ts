import { infiniteQueryOptions, mutationOptions } from "@tanstack/react-query";
import { api, brought, type Schemas } from "@/api/client";
import { page, paged, TEAMS } from "./queries";

/** Whose account it is. */
export type Grantee =
  | { of: "team"; team: string; name: string }
  | { of: "member"; team: string; member: string; name: string }
  | { of: "key"; key: string; name: string };

export const grantsQuery = (to: Grantee) =>
  infiniteQueryOptions({
    queryKey: [...TEAMS, "grants", to],
    queryFn: async ({ pageParam }) => {
      const query = page(pageParam);
      if (to.of === "key")
        return brought(
          await api.GET("/api/v1/admin/keys/{key_id}/grants", {
            params: { path: { key_id: to.key }, query },
          }),
        );
      if (to.of === "member")
        return brought(
          await api.GET("/api/v1/admin/teams/{team_id}/members/{member_id}/grants", {
            params: { path: { team_id: to.team, member_id: to.member }, query },
          }),
        );
      return brought(
        await api.GET("/api/v1/admin/teams/{team_id}/grants", {
          params: { path: { team_id: to.team }, query },
        }),
      );
    },
    ...paged,
  });

export const grantMutation = (to: Grantee, once: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["GrantRequest"]) => {
      const header = { "Idempotency-Key": once };
      if (to.of === "key")
        return brought(
          await api.POST("/api/v1/admin/keys/{key_id}/grants", {
            params: { path: { key_id: to.key }, header },
            body,
          }),
        );
      if (to.of === "member")
        return brought(
          await api.POST("/api/v1/admin/teams/{team_id}/members/{member_id}/grants", {
            params: { path: { team_id: to.team, member_id: to.member }, header },
            body,
          }),
        );
      return brought(
        await api.POST("/api/v1/admin/teams/{team_id}/grants", {
          params: { path: { team_id: to.team }, header },
          body,
        }),
      );
    },
  });
