import { useSyncExternalStore } from "react";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEPT = "reelgate.theme";
const listeners = new Set<() => void>();

/** What was chosen in this browser; where it keeps nothing, what the system says. */
export function chosenTheme(): Theme {
  try {
    const kept = window.localStorage.getItem(KEPT);
    return THEMES.find((theme) => theme === kept) ?? "system";
  } catch {
    return "system";
  }
}

/** Before anything is drawn, so that nothing is drawn in the wrong colours first. */
export function showTheme(theme: Theme = chosenTheme()) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function chooseTheme(theme: Theme) {
  showTheme(theme);
  try {
    window.localStorage.setItem(KEPT, theme);
  } catch {
    // It holds until the page is loaded again.
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  // Another tab of the same person.
  function changed(event: StorageEvent) {
    if (event.key !== KEPT) return;
    showTheme();
    listener();
  }
  listeners.add(listener);
  window.addEventListener("storage", changed);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", changed);
  };
}

const shownTheme = (): Theme =>
  THEMES.find((theme) => theme === document.documentElement.dataset.theme) ?? "system";

export const useTheme = () => useSyncExternalStore(subscribe, shownTheme);
