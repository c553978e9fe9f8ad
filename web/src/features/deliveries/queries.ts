import { infiniteQueryOptions, mutationOptions, queryOptions } from "@tanstack/react-query";
import { api, brought, type Schemas } from "@/api/client";
import type { DeliveriesSearch } from "./search";

/** Whose: those that somebody manages, with no content, or one's own. */
export type Scope = "managed" | "own";
export type Delivery = Schemas["WebhookDelivery"];
export type Named = Schemas["NamedDelivery"];
export type Endpoint = Schemas["NamedEndpoint"];

/** Everything about deliveries is below this, and is asked for again after each change. */
export const DELIVERIES = ["deliveries"];
const AGAIN_MS = 10_000;
const paged = {
  initialPageParam: "",
  getNextPageParam: (last: { next_cursor: string | null }) => last.next_cursor,
};
const page = (limit: number, cursor: string) => ({ limit, ...(cursor && { cursor }) });

export const managedQuery = ({ team, endpoint, state, since }: DeliveriesSearch) =>
  infiniteQueryOptions({
    queryKey: [...DELIVERIES, "managed", { team, endpoint, state, since }],
    queryFn: async ({ pageParam }) =>
      brought(
        await api.GET("/api/v1/admin/webhooks/deliveries", {
          params: {
            query: {
              ...(team && { team_id: team }),
              ...(endpoint && { endpoint_id: endpoint }),
              ...(state && { state }),
              ...(since && { since: new Date(since).toISOString() }),
              ...page(50, pageParam),
            },
          },
        }),
      ),
    ...paged,
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 1) === 1 ? AGAIN_MS : false),
  });

export const endpointsQuery = ({ team, off }: DeliveriesSearch) =>
  infiniteQueryOptions({
    queryKey: [...DELIVERIES, "endpoints", { team, off }],
    queryFn: async ({ pageParam }) =>
      brought(
        await api.GET("/api/v1/admin/webhooks/endpoints", {
          params: {
            query: {
              ...(team && { team_id: team }),
              ...(off && { enabled: false }),
              ...page(20, pageParam),
            },
          },
        }),
      ),
    ...paged,
  });

/** One delivery with its attempts: those of others without what was sent. */
export const attemptsQuery = (id: string, scope: Scope) =>
  queryOptions({
    queryKey: [...DELIVERIES, "one", scope, id],
    queryFn: async (): Promise<{ attempts: Attempt[] }> => {
      const params = { path: { delivery_id: id } };
      return scope === "own"
        ? brought(await api.GET("/api/v1/webhooks/deliveries/{delivery_id}", { params }))
        : brought(await api.GET("/api/v1/admin/webhooks/deliveries/{delivery_id}", { params }));
    },
  });

export type Attempt = Schemas["TriedDelivery"] & Partial<Schemas["WebhookAttempt"]>;

export const resendMutation = (id: string, scope: Scope) =>
  mutationOptions({
    mutationFn: async (body: Schemas["Deed"]): Promise<Delivery> => {
      const params = { path: { delivery_id: id } };
      return scope === "own"
        ? brought(await api.POST("/api/v1/webhooks/deliveries/{delivery_id}/resend", { params }))
        : brought(
            await api.POST("/api/v1/admin/webhooks/deliveries/{delivery_id}/resend", {
              params,
              body,
            }),
          );
    },
  });

export const turnMutation = (id: string, deed: "disable" | "enable") =>
  mutationOptions({
    mutationFn: async (reason: string) =>
      brought(
        await api.POST(`/api/v1/admin/webhooks/endpoints/{endpoint_id}/${deed}`, {
          params: { path: { endpoint_id: id } },
          body: { reason },
        }),
      ),
  });

/** A batch of what failed. */
export async function resendBatch(team: string, body: Schemas["ResendRequest"]) {
  return brought(
    await api.POST("/api/v1/admin/teams/{team_id}/webhooks/resend", {
      params: { path: { team_id: team } },
      body,
    }),
  );
}
