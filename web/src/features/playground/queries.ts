import { mutationOptions, queryOptions } from "@tanstack/react-query";
import { api, brought, type Schemas } from "@/api/client";
import { at } from "@/lib/place";

export type { Model } from "@/api/models";
export type Option = Schemas["ModelOption"];
export type Rule = Schemas["ModelRule"];
export type Estimate = Schemas["Estimate"];
export type Input = Schemas["Input"];

/** What a request says: the body of `POST /api/v1/generations`, whatever the model. */
export type Body = Record<string, unknown>;

/**
 * Below `generations`, so that it is asked again whenever one of them moves: what is left has
 * changed then. Given up when the form says something else.
 */
export const estimateQuery = (body: Body) =>
  queryOptions({
    queryKey: ["generations", "estimate", body],
    queryFn: async ({ signal }) =>
      brought(await api.POST("/api/v1/generations/estimate", { body: body as never, signal })),
    retry: false,
  });

export const createMutation = mutationOptions({
  mutationFn: async ({ body, once }: { body: Body; once: string }) =>
    brought(
      await api.POST("/api/v1/generations", {
        params: { header: { "Idempotency-Key": once } },
        body: body as never,
      }),
    ),
});

export const cancelMutation = (id: string) =>
  mutationOptions({
    mutationFn: async () =>
      brought(
        await api.POST("/api/v1/generations/{generation_id}/cancel", {
          params: { path: { generation_id: id } },
        }),
      ),
  });

export async function uploadFile(file: File): Promise<Input> {
  const form = new FormData();
  form.append("file", file, file.name || "image");
  return brought(
    await api.POST("/api/v1/inputs", { body: form as never, bodySerializer: () => form }),
  );
}

export async function uploadFrom(url: string): Promise<Input> {
  return brought(await api.POST("/api/v1/inputs", { body: { url } }));
}

/** Of an uploaded image; needs the session. */
export const imageAddress = (id: string) => at(`api/v1/inputs/${encodeURIComponent(id)}/content`);
