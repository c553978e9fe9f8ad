import type { Generation, GenerationPage } from "./queries";

/**
 * What a list shows: the newest page as it is now, and behind it what older pages were when they
 * were read. An event reads the newest page again and no other, however far somebody has scrolled.
 */
export function merged(newest: GenerationPage, pages: GenerationPage[]): Generation[] {
  const oldest = newest.data.at(-1);
  if (!newest.has_more) return newest.data;
  const older = pages.flatMap((page) => page.data);
  if (!oldest) return older;
  return [...newest.data, ...older.filter((one) => isBehind(one, oldest))];
}

/** Whether the newest page has nothing in common with those that were read before it. */
export function isApart(newest: GenerationPage, pages: GenerationPage[]): boolean {
  const oldest = newest.data.at(-1);
  const first = pages.flatMap((page) => page.data)[0];
  return newest.has_more && !!oldest && !!first && isBehind(first, oldest);
}

/** In the order of the API: newest first, and ids decide between equals. */
function isBehind(one: Generation, other: Generation): boolean {
  const [mine, its] = [Date.parse(one.created_at), Date.parse(other.created_at)];
  return mine < its || (mine === its && one.id < other.id);
}

/** How many pages in a row brought nothing since the last one that did. */
export function emptyTail(pages: GenerationPage[]): number {
  const last = pages.findLastIndex((page) => page.data.length > 0);
  return pages.length - 1 - last;
}
