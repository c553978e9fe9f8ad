import { queryOptions } from "@tanstack/react-query";
import { api, brought, type Schemas } from "./client";

export type Model = Schemas["Model"];

/** The models that are offered, with their options, rules and prices. */
export const modelsQuery = queryOptions({
  queryKey: ["models"],
  queryFn: async () => brought(await api.GET("/api/v1/models")).data,
  staleTime: 300_000,
});
