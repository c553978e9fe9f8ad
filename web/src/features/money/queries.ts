import { infiniteQueryOptions, mutationOptions, queryOptions, skipToken } from "@tanstack/react-query";
import { api, brought, type Schemas } from "@/api/client";
import { at } from "@/lib/place";
import type { MoneySearch, PriceState } from "./search";

export type Usage = Schemas["UsageOfTeams"];
export type UsageRow = Schemas["UsageRow"];
export type Statement = Schemas["Statement"];
export type Price = Schemas["SetPrice"];

const MONEY = ["desk", "money"];

function asked({ from, to, model }: MoneySearch, group: string) {
  return {
    group_by: [group],
    ...(from && { from }),
    ...(to && { to }),
    ...(model && { model }),
  };
}

/** Of all teams, or of one. `group` null asks nothing. */
export const spendQuery = (search: MoneySearch, group: string | null) => {
  const { team } = search;
  return queryOptions({
    queryKey: ["generations", "desk", "spend", { ...search }, group],
    queryFn:
      group === null
        ? skipToken
        : async (): Promise<Usage> => {
            const query = asked(search, group);
            // As CSV it is a text; that is only what is downloaded.
            return brought(
              team
                ? await api.GET("/api/v1/admin/teams/{team_id}/usage", {
                    params: { path: { team_id: team }, query },
                  })
                : await api.GET("/api/v1/admin/usage", { params: { query } }),
            ) as Usage;
          },
  });
};

export function csvAddress(search: MoneySearch, group: string): string {
  const words = new URLSearchParams({ format: "csv" });
  for (const [name, value] of Object.entries(asked(search, group)))
    for (const each of [value].flat()) words.append(name, each);
  const path = search.team ? `admin/teams/${search.team}/usage` : "admin/usage";
  return at(`api/v1/${path}?${words}`);
}

const paged = {
  initialPageParam: "",
  getNextPageParam: (last: { next_cursor: string | null }) => last.next_cursor,
};

export const statementsQuery = (team: string) =>
  infiniteQueryOptions({
    queryKey: [...MONEY, "statements", team],
    queryFn: async ({ pageParam }) =>
      brought(
        await api.GET("/api/v1/admin/teams/{team_id}/statements", {
          params: { path: { team_id: team }, query: { limit: 100, ...cursor(pageParam) } },
        }),
      ),
    ...paged,
  });

export const statementQuery = (team: string, month: string) =>
  queryOptions({
    queryKey: [...MONEY, "statement", team, month],
    queryFn: async () =>
      brought(
        await api.GET("/api/v1/admin/teams/{team_id}/statements/{month}", {
          params: { path: { team_id: team, month } },
        }),
      ),
  });

export const linesQuery = (team: string, month: string, kind: MoneySearch["kind"]) =>
  infiniteQueryOptions({
    queryKey: [...MONEY, "lines", team, month, kind],
    queryFn: async ({ pageParam }) =>
      brought(
        await api.GET("/api/v1/admin/teams/{team_id}/statements/{month}/lines", {
          params: {
            path: { team_id: team, month },
            query: { limit: 50, ...(kind && { kind }), ...cursor(pageParam) },
          },
        }),
      ),
    ...paged,
  });

export const totalsQuery = (
  team: string,
  month: string,
  by: NonNullable<MoneySearch["totals"]>,
  tag: string | undefined,
) =>
  infiniteQueryOptions({
    queryKey: [...MONEY, "totals", team, month, by, tag],
    queryFn: async ({ pageParam }) =>
      brought(
        await api.GET("/api/v1/admin/teams/{team_id}/statements/{month}/totals", {
          params: {
            path: { team_id: team, month },
            query: { by, limit: 50, ...(by === "tag" && tag && { tag }), ...cursor(pageParam) },
          },
        }),
      ),
    enabled: by !== "tag" || tag !== undefined,
    ...paged,
  });

function cursor(given: string): { cursor?: string } {
  return given ? { cursor: given } : {};
}

export const closeMutation = (team: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["StatementRequest"]) =>
      brought(
        await api.POST("/api/v1/admin/teams/{team_id}/statements", {
          params: { path: { team_id: team } },
          body,
        }),
      ),
  });

export function statementAddress(team: string, month: string): string {
  return at(`api/v1/admin/teams/${team}/statements/${month}/csv`);
}

export const PRICES = [...MONEY, "prices"];

export const pricesQuery = (state: PriceState | undefined) =>
  infiniteQueryOptions({
    queryKey: [...PRICES, state],
    queryFn: async ({ pageParam }) =>
      brought(
        await api.GET("/api/v1/admin/prices", {
          params: { query: { limit: 50, ...(state && { state }), ...cursor(pageParam) } },
        }),
      ),
    ...paged,
  });

export const setPriceMutation = (once: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["PriceRequest"]) =>
      brought(
        await api.POST("/api/v1/admin/prices", {
          params: { header: { "Idempotency-Key": once } },
          body,
        }),
      ),
  });

export const withdrawMutation = (id: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["PriceReason"]) =>
      brought(
        await api.POST("/api/v1/admin/prices/{price_id}/withdraw", {
          params: { path: { price_id: id } },
          body,
        }),
      ),
  });
