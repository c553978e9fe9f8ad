import { useEffect, useState } from "react";
import { storiesSearch, type StoriesSearch, type View, VIEWS } from "./search";

/** More than that are not found again by their names. */
export const MOST = 20;
export const LONGEST = 40;

type Kept = Pick<Storage, "getItem" | "setItem">;

const placeOf = (member: string) => `reelgate.views.${member}`;

/** What this browser keeps for a member. What another program left there is no view. */
export function readViews(member: string, storage: Kept | null): View[] {
  let found: unknown;
  try {
    found = JSON.parse(storage?.getItem(placeOf(member)) ?? "[]");
  } catch {
    return [];
  }
  if (!Array.isArray(found)) return [];
  return found
    .flatMap((one: unknown) => {
      if (typeof one !== "object" || one === null) return [];
      const { name, search } = one as Record<string, unknown>;
      if (typeof name !== "string" || typeof search !== "object" || search === null) return [];
      return [{ name, search: storiesSearch(search as Record<string, unknown>) }];
    })
    .slice(0, MOST);
}

/** Whether the browser keeps them. */
export function keepViews(member: string, views: View[], storage: Kept | null): boolean {
  try {
    storage?.setItem(placeOf(member), JSON.stringify(views));
    return storage !== null;
  } catch {
    return false;
  }
}

/** Why a view cannot have this name, or nothing. `former`: the one that gets another name. */
export function refusalOf(views: View[], name: string, former?: string): string {
  if (!name) return "A view needs a name.";
  if (name.length > LONGEST) return `A name has at most ${LONGEST} characters.`;
  const taken = [...VIEWS, ...views].some((view) => view.name === name && name !== former);
  if (taken) return `There is a view ${name} already. Choose another name.`;
  if (former === undefined && views.length >= MOST)
    return `${MOST} views are saved, and no more are kept. Delete one first.`;
  return "";
}

export function renamed(views: View[], from: string, to: string): View[] {
  return views.map((view) => (view.name === from ? { ...view, name: to } : view));
}

export function without(views: View[], name: string): View[] {
  return views.filter((view) => view.name !== name);
}

export function sameView(one: StoriesSearch, other: StoriesSearch): boolean {
  const sorted = (search: StoriesSearch) =>
    JSON.stringify(Object.entries(search).sort(([a], [b]) => a.localeCompare(b)));
  return sorted(one) === sorted(other);
}

function storageOf(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

/** The views of a member, and how to change them. False: this browser keeps nothing. */
export function useSavedViews(member: string): [View[], (views: View[]) => boolean] {
  const [views, setViews] = useState(() => readViews(member, storageOf()));
  useEffect(() => {
    // Another tab of the same person.
    function changed(event: StorageEvent) {
      if (event.key === placeOf(member)) setViews(readViews(member, storageOf()));
    }
    window.addEventListener("storage", changed);
    return () => window.removeEventListener("storage", changed);
  }, [member]);
  function change(next: View[]): boolean {
    const kept = keepViews(member, next, storageOf());
    if (kept) setViews(next);
    return kept;
  }
  return [views, change];
}
