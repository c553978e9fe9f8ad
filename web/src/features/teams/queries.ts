import { infiniteQueryOptions, mutationOptions, queryOptions } from "@tanstack/react-query";
import { api, brought, type Schemas } from "@/api/client";

export type Team = Schemas["ManagedTeam"];
export type Member = Schemas["ManagedMember"];

export const page = (cursor: string) => ({ limit: 50, ...(cursor && { cursor }) });
export const paged = {
  initialPageParam: "",
  getNextPageParam: (last: { next_cursor: string | null }) => last.next_cursor,
};

/** Everything about teams is below this, and is asked for again after each change. */
export const TEAMS = ["teams"];

export const teamsQuery = infiniteQueryOptions({
  queryKey: [...TEAMS, "list"],
  queryFn: async ({ pageParam }) =>
    brought(await api.GET("/api/v1/admin/teams", { params: { query: page(pageParam) } })),
  ...paged,
});

export const teamQuery = (id: string) =>
  queryOptions({
    queryKey: [...TEAMS, "one", id],
    queryFn: async () =>
      brought(await api.GET("/api/v1/admin/teams/{team_id}", { params: { path: { team_id: id } } })),
  });

export const membersQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: [...TEAMS, "members", id],
    queryFn: async ({ pageParam }) =>
      brought(
        await api.GET("/api/v1/admin/teams/{team_id}/members", {
          params: { path: { team_id: id }, query: page(pageParam) },
        }),
      ),
    ...paged,
  });

export const requestsQuery = infiniteQueryOptions({
  queryKey: [...TEAMS, "requests"],
  queryFn: async ({ pageParam }) =>
    brought(
      await api.GET("/api/v1/admin/credit-requests", {
        params: { query: { ...page(pageParam), state: "open" } },
      }),
    ),
  ...paged,
});

export const createTeamMutation = (once: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["TeamRequest"]) =>
      brought(
        await api.POST("/api/v1/admin/teams", {
          params: { header: { "Idempotency-Key": once } },
          body,
        }),
      ),
  });

export const changeTeamMutation = (id: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["TeamChange"]) =>
      brought(
        await api.PATCH("/api/v1/admin/teams/{team_id}", {
          params: { path: { team_id: id } },
          body,
        }),
      ),
  });

export const renameMutation = (of: Team | Member) =>
  mutationOptions({
    mutationFn: async (body: Schemas["Renaming"]): Promise<{ name: string }> =>
      of.object === "team"
        ? brought(
            await api.POST("/api/v1/admin/teams/{team_id}/rename", {
              params: { path: { team_id: of.id } },
              body,
            }),
          )
        : brought(
            await api.POST("/api/v1/admin/teams/{team_id}/members/{member_id}/rename", {
              params: { path: { team_id: of.team_id, member_id: of.id } },
              body,
            }),
          ),
  });

export const endMutation = (of: Team | Member) =>
  mutationOptions({
    mutationFn: async (body: Schemas["Ending"]) =>
      of.object === "team"
        ? brought(
            await api.POST("/api/v1/admin/teams/{team_id}/end", {
              params: { path: { team_id: of.id } },
              body,
            }),
          )
        : brought(
            await api.POST("/api/v1/admin/teams/{team_id}/members/{member_id}/end", {
              params: { path: { team_id: of.team_id, member_id: of.id } },
              body,
            }),
          ),
  });

export const createMemberMutation = (team: string, once: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["MemberRequest"]) =>
      brought(
        await api.POST("/api/v1/admin/teams/{team_id}/members", {
          params: { path: { team_id: team }, header: { "Idempotency-Key": once } },
          body,
        }),
      ),
  });

export const changeMemberMutation = ({ team_id, id }: Member) =>
  mutationOptions({
    mutationFn: async (body: Schemas["MemberChange"]) =>
      brought(
        await api.PATCH("/api/v1/admin/teams/{team_id}/members/{member_id}", {
          params: { path: { team_id, member_id: id } },
          body,
        }),
      ),
  });

export const decideMutation = (id: string, decision: "grant" | "refuse") =>
  mutationOptions({
    mutationFn: async (body: Schemas["CreditDecision"]) => {
      const params = { path: { request_id: id } };
      return decision === "grant"
        ? brought(await api.POST("/api/v1/admin/credit-requests/{request_id}/grant", { params, body }))
        : brought(
            await api.POST("/api/v1/admin/credit-requests/{request_id}/refuse", {
              params,
              body: { reason: body.reason },
            }),
          );
    },
  });
