import { infiniteQueryOptions, mutationOptions, queryOptions } from "@tanstack/react-query";
import { api, brought, type Schemas } from "@/api/client";
import { DELIVERIES } from "@/features/deliveries/queries";

export type Endpoint = Schemas["WebhookEndpoint"];
export type EndpointWithSecret = Schemas["WebhookEndpointWithSecret"];

export const ownEndpointsQuery = queryOptions({
  queryKey: [...DELIVERIES, "own-endpoints"],
  queryFn: async () => brought(await api.GET("/api/v1/webhooks/endpoints")),
});

export const ownDeliveriesQuery = (asked: {
  endpoint_id?: string;
  state?: Schemas["DeliveryState"];
}) =>
  infiniteQueryOptions({
    queryKey: [...DELIVERIES, "own", asked],
    queryFn: async ({ pageParam }) =>
      brought(
        await api.GET("/api/v1/webhooks/deliveries", {
          params: { query: { ...asked, limit: 20, ...(pageParam && { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
  });

const path = (id: string) => ({ params: { path: { endpoint_id: id } } });

/** `once` is the `Idempotency-Key` of the form. */
export const createMutation = (once: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["WebhookEndpointRequest"]) =>
      brought(
        await api.POST("/api/v1/webhooks/endpoints", {
          params: { header: { "Idempotency-Key": once } },
          body,
        }),
      ),
  });

export const changeMutation = (id: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["WebhookEndpointChange"]) =>
      brought(await api.PATCH("/api/v1/webhooks/endpoints/{endpoint_id}", { ...path(id), body })),
  });

export const rotateMutation = (id: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["WebhookRotation"]) =>
      brought(
        await api.POST("/api/v1/webhooks/endpoints/{endpoint_id}/rotate", { ...path(id), body }),
      ),
  });

export const testMutation = (id: string) =>
  mutationOptions({
    mutationFn: async () =>
      brought(await api.POST("/api/v1/webhooks/endpoints/{endpoint_id}/test", path(id))),
  });

export const deleteMutation = (id: string) =>
  mutationOptions({
    mutationFn: async () => {
      await api.DELETE("/api/v1/webhooks/endpoints/{endpoint_id}", path(id));
    },
  });

/** Shown when it is asked for, and kept no longer than the page shows it. */
export const callbackSecretQuery = queryOptions({
  queryKey: [...DELIVERIES, "callback-secret"],
  queryFn: async () => brought(await api.GET("/api/v1/webhooks/callback-secret")),
  gcTime: 0,
  staleTime: Infinity,
});

export const rotateCallbackMutation = mutationOptions({
  mutationFn: async (body: Schemas["WebhookRotation"]) =>
    brought(await api.POST("/api/v1/webhooks/callback-secret/rotate", { body })),
});
