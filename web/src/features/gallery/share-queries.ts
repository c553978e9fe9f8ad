import { mutationOptions, queryOptions } from "@tanstack/react-query";
import { api, brought, type Schemas } from "@/api/client";

export type Share = Schemas["Share"];
export type NewShare = Schemas["NewShare"];

const HOUR = 3600;
/** What a person chooses from, as far as the operators allow it. */
export const LENGTHS: readonly [seconds: number, words: string][] = [
  [HOUR, "1 hour"],
  [24 * HOUR, "1 day"],
  [7 * 24 * HOUR, "7 days"],
  [30 * 24 * HOUR, "30 days"],
];

/** Those that are allowed, and the longest that is, if it is none of them. */
export function lengths(most: number): [seconds: number, words: string][] {
  const allowed = LENGTHS.filter(([seconds]) => seconds <= most).map(([...one]) => one);
  const longest = allowed.at(-1)?.[0] ?? 0;
  if (longest < most && most < 30 * 24 * HOUR)
    allowed.push([most, `${Math.floor(most / HOUR)} hours, the longest`]);
  return allowed;
}

export const sharesQuery = (id: string) =>
  queryOptions({
    queryKey: ["shares", id],
    queryFn: async () =>
      brought(
        await api.GET("/api/v1/generations/{generation_id}/shares", {
          params: { path: { generation_id: id } },
        }),
      ),
  });

export const shareMutation = (id: string) =>
  mutationOptions({
    mutationFn: async (seconds: number): Promise<NewShare> =>
      brought(
        await api.POST("/api/v1/generations/{generation_id}/shares", {
          params: { path: { generation_id: id } },
          body: { expires_in_seconds: seconds },
        }),
      ),
  });

export const revokeMutation = (id: string) =>
  mutationOptions({
    mutationFn: async (share: string) => {
      await api.DELETE("/api/v1/generations/{generation_id}/shares/{share_id}", {
        params: { path: { generation_id: id, share_id: share } },
      });
    },
  });
