import { queryOptions } from "@tanstack/react-query";
import { api, brought, type Schemas } from "./client";

export type Me = Schemas["Me"];

export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: async () => brought(await api.GET("/api/v1/me")),
  staleTime: 15_000,
});
