import {
  infiniteQueryOptions,
  type InfiniteData,
  mutationOptions,
  type QueryClient,
  queryOptions,
} from "@tanstack/react-query";
import { api, brought, type Schemas } from "@/api/client";
import { at } from "@/lib/place";
import { queryOf, type VideosSearch } from "./search";

export type Generation = Schemas["Generation"];
export type GenerationPage = Schemas["GenerationList"];

const PAGE = 60;

async function pageOf(search: VideosSearch, cursor: string): Promise<GenerationPage> {
  const query = { limit: PAGE, ...queryOf(search), ...(cursor && { cursor }) };
  return brought(await api.GET("/api/v1/generations", { params: { query } }));
}

/** All that was scrolled to. No event reads it again: see `newestQuery`. */
export const pagesQuery = (search: VideosSearch) =>
  infiniteQueryOptions({
    queryKey: ["gallery", search],
    queryFn: ({ pageParam }) => pageOf(search, pageParam),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
    staleTime: 60_000,
    refetchOnWindowFocus: false,
  });

/** The first page of that, which every event reads again. */
export const newestQuery = (search: VideosSearch, first: GenerationPage | undefined) =>
  queryOptions({
    queryKey: ["generations", "newest", search],
    queryFn: () => pageOf(search, ""),
    initialData: first,
    staleTime: 60_000,
  });

export const generationQuery = (id: string) =>
  queryOptions({
    queryKey: ["generations", "one", id],
    queryFn: () => generationOf(id),
  });

export async function generationOf(id: string): Promise<Generation> {
  return brought(
    await api.GET("/api/v1/generations/{generation_id}", {
      params: { path: { generation_id: id } },
    }),
  );
}

export async function deleteVideo(id: string): Promise<void> {
  await api.DELETE("/api/v1/generations/{generation_id}", {
    params: { path: { generation_id: id } },
  });
}

export const deleteMutation = (id: string) => mutationOptions({ mutationFn: () => deleteVideo(id) });

/** Marks a video, or takes the mark away. */
export const favoriteMutation = (queries: QueryClient) =>
  mutationOptions({
    mutationFn: async ({ id, favorite }: { id: string; favorite: boolean }) => {
      const where = { params: { path: { generation_id: id } } };
      if (favorite) await api.PUT("/api/v1/generations/{generation_id}/favorite", where);
      else await api.DELETE("/api/v1/generations/{generation_id}/favorite", where);
    },
    onSuccess: (_, { id, favorite }) => change(queries, id, { favorite }),
  });

/** Changes a video wherever it is shown, without asking for it again. */
export function change(queries: QueryClient, id: string, changed: Partial<Generation>): void {
  const one = (video: Generation) => (video.id === id ? { ...video, ...changed } : video);
  const page = (found: GenerationPage) => ({ ...found, data: found.data.map(one) });
  queries.setQueryData(generationQuery(id).queryKey, (found) => found && one(found));
  queries.setQueriesData<GenerationPage>(
    { queryKey: ["generations", "newest"] },
    (found) => found && page(found),
  );
  queries.setQueriesData<InfiniteData<GenerationPage>>(
    { queryKey: ["gallery"] },
    (found) => found && { ...found, pages: found.pages.map(page) },
  );
}

/** A deleted video as it is shown until the gateway is asked again. */
export function deleted(queries: QueryClient, video: Generation): void {
  if (video.video) change(queries, video.id, { video: { ...video.video, state: "deleted", url: null } });
}

/** Needs the session and never expires, unlike the signed link. */
export const contentAddress = (id: string) => at(`api/v1/generations/${id}/content`);
export const thumbnailAddress = (id: string) => at(`api/v1/generations/${id}/thumbnail`);
export const inputAddress = (id: string) => at(`api/v1/inputs/${id}/content`);

/** What a video is called: some models make one of an image alone. */
export const titleOf = ({ spec }: Generation) => spec.prompt ?? "Without a prompt";

/** Whether there is a file to watch, to save or to delete. */
export const hasFile = ({ video }: Generation) =>
  video?.state === "archived" || video?.state === "pending";
