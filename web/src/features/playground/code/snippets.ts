import { nativeCurl, nativeFetch, nativeRequests, restCurl } from "./plain";
import { lumaai, openai, openrouter } from "./sdks";
import type { Snippet, Wish } from "./wish";

/** The same request in every API that can say it. */
export function snippetsOf(wish: Wish): Snippet[] {
  const makers = [nativeCurl, nativeFetch, nativeRequests, openai, lumaai, openrouter, restCurl];
  return makers.map((make) => make(wish)).filter((one) => one !== null);
}
