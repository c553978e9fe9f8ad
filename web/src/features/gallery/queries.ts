import { infiniteQueryOptions, mutationOptions, queryOptions } from "@tanstack/react-query";
import { api, brought, type Schemas } from "@/api/client";
import { at } from "@/lib/place";
import type { VideosSearch } from "./search";

export type Generation = Schemas["Generation"];

const PAGE = 60;

export const generationsQuery = (search: VideosSearch) =>
  infiniteQueryOptions({
    queryKey: ["generations", "list", search],
    queryFn: async ({ pageParam }) =>
      brought(
        await api.GET("/api/v1/generations", {
          params: {
            query: {
              limit: PAGE,
              ...(search.state && { state: [search.state] }),
              ...(pageParam && { cursor: pageParam }),
            },
          },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
  });

export const generationQuery = (id: string) =>
  queryOptions({
    queryKey: ["generations", "one", id],
    queryFn: async () =>
      brought(
        await api.GET("/api/v1/generations/{generation_id}", {
          params: { path: { generation_id: id } },
        }),
      ),
  });

export const deleteMutation = (id: string) =>
  mutationOptions({
    mutationFn: async () => {
      await api.DELETE("/api/v1/generations/{generation_id}", {
        params: { path: { generation_id: id } },
      });
    },
  });

/** Needs the session and never expires, unlike the signed link. */
export const contentAddress = (id: string) => at(`api/v1/generations/${id}/content`);
export const thumbnailAddress = (id: string) => at(`api/v1/generations/${id}/thumbnail`);

/** What a video is called: some models make one of an image alone. */
export const titleOf = ({ spec }: Generation) => spec.prompt ?? "Without a prompt";
