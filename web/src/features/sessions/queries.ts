import { mutationOptions, queryOptions } from "@tanstack/react-query";
import { api, brought, type Schemas } from "@/api/client";

export type Session = Schemas["Session"];

export const sessionsQuery = queryOptions({
  queryKey: ["sessions"],
  queryFn: async () => brought(await api.GET("/api/v1/sessions")).data,
});

export const endSessionMutation = mutationOptions({
  mutationFn: async (id: string) => {
    await api.DELETE("/api/v1/sessions/{session_id}", { params: { path: { session_id: id } } });
  },
});
