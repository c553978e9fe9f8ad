import createClient, { type Middleware } from "openapi-fetch";
import { at, ROOT } from "@/lib/place";
import type { components, paths } from "./schema";
import { Refused, refusal } from "./problem";

export type Schemas = components["schemas"];

const SAFE = ["GET", "HEAD"];

/** Says that a change comes from these pages; see `app/web/origin.py`. */
const ours: Middleware = {
  onRequest({ request }) {
    if (!SAFE.includes(request.method)) request.headers.set("X-Reelgate", "1");
    return request;
  },
  async onResponse({ response }) {
    if (!response.ok) throw await refusal(response);
  },
  onError() {
    return Refused.offline();
  },
};

export const api = createClient<paths>({
  baseUrl: ROOT.href.replace(/\/$/, ""),
  // Looked up at each call, so that a test can stand in for the network.
  fetch: (request) => globalThis.fetch(request),
});
api.use(ours);

/** What an answer brought. The client throws a `Refused` for every other answer. */
export function brought<T>(answer: { data?: T }): T {
  return answer.data as T;
}

/** For what lies beside the API, below `/app`. Throws `Refused`. */
export async function own(method: "POST" | "DELETE", path: string, body?: object): Promise<void> {
  const response = await fetch(at(`app/${path}`), {
    method,
    headers: { "X-Reelgate": "1", ...(body && { "Content-Type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
  }).catch(() => {
    throw Refused.offline();
  });
  if (!response.ok) throw await refusal(response);
}
