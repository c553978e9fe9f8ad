import { infiniteQueryOptions, mutationOptions, queryOptions } from "@tanstack/react-query";
import { api, brought, type Schemas } from "@/api/client";
import { asked, OPEN, type StoriesSearch } from "./search";

export type Story = Schemas["GenerationStory"];

/** Everything about others' generations is below this, and is asked for again after each change. */
export const STORIES = ["generations", "stories"];
const AGAIN_MS = 10_000;
const PER_PAGE = 50;

export const isOpen = ({ state }: { state: Schemas["State"] }) =>
  OPEN.some((one) => one === state);

export const storiesQuery = (search: StoriesSearch) =>
  infiniteQueryOptions({
    queryKey: [...STORIES, "list", search],
    queryFn: async ({ pageParam }) =>
      brought(
        await api.GET("/api/v1/admin/generations", {
          params: {
            query: {
              ...asked(search, new Date()),
              limit: PER_PAGE,
              ...(pageParam && { cursor: pageParam }),
            },
          },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
    // Whoever has turned pages reads: they are not pulled away, and not all asked for again.
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 1) === 1 ? AGAIN_MS : false),
  });

export const storyQuery = (id: string) =>
  queryOptions({
    queryKey: [...STORIES, "one", id],
    queryFn: async () =>
      brought(
        await api.GET("/api/v1/admin/generations/{generation_id}", {
          params: { path: { generation_id: id } },
        }),
      ),
    refetchInterval: ({ state }) => (state.data && !isOpen(state.data) ? false : AGAIN_MS),
  });

const path = (id: string) => ({ params: { path: { generation_id: id } } });

export const cancelMutation = (id: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["Reasoned"]) =>
      brought(await api.POST("/api/v1/admin/generations/{generation_id}/cancel", { ...path(id), body })),
  });

export const retryMutation = (id: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["Deed"]) =>
      brought(
        await api.POST("/api/v1/admin/generations/{generation_id}/retry-archiving", {
          ...path(id),
          body,
        }),
      ),
  });

export const acceptMutation = (id: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["Deed"]) =>
      brought(
        await api.POST("/api/v1/admin/generations/{generation_id}/accept-file", { ...path(id), body }),
      ),
  });

export const correctMutation = (id: string) =>
  mutationOptions({
    mutationFn: async (body: Schemas["CorrectionRequest"]) =>
      brought(
        await api.POST("/api/v1/admin/generations/{generation_id}/corrections", {
          ...path(id),
          body,
        }),
      ),
  });
