import { queryOptions } from "@tanstack/react-query";
import { api, brought, type Schemas } from "@/api/client";

export type Model = Schemas["ManagedModel"];
export type Catalogue = Schemas["ManagedModelList"];

export const catalogueQuery = queryOptions({
  queryKey: ["desk", "catalogue"],
  queryFn: async () => brought(await api.GET("/api/v1/admin/models")),
  staleTime: 60_000,
});
