import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  RouterProvider,
} from "@tanstack/react-router";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { vi } from "vitest";
import type { Generation, GenerationPage } from "./queries";

/** The newest has the highest number. */
export function video(number: number, changed: Partial<Generation> = {}): Generation {
  const at = new Date(Date.UTC(2026, 10, 1) + number * 60_000).toISOString();
  return {
    id: `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`,
    object: "generation",
    state: "succeeded",
    member_id: "3",
    spec: { prompt: `film ${number}`, model: "ray-v3" },
    quote_credits: 150000,
    settled_credits: 150000,
    metadata: {},
    inputs: [],
    favorite: false,
    video: { state: "archived", url: "http://gateway/media/x", archived_at: at },
    progress: { elapsed_seconds: 1, p50_seconds: null, p90_seconds: null },
    created_at: at,
    submitted_at: at,
    finished_at: at,
    ...changed,
  } as Generation;
}

export function page(numbers: number[], next: string | null = null): GenerationPage {
  return {
    object: "list",
    data: numbers.map((number) => video(number)),
    has_more: next !== null,
    next_cursor: next,
  };
}

/** Inside a router and with queries of its own, as pages are. */
export function renderPage(what: ReactNode, queries = new QueryClient()) {
  vi.stubGlobal("scrollTo", () => {});
  const root = createRootRoute({ component: () => what });
  const one = createRoute({ getParentRoute: () => root, path: "/videos/$id", component: () => null });
  const all = createRoute({ getParentRoute: () => root, path: "/videos", component: () => null });
  const router = createRouter({
    routeTree: root.addChildren([all, one]),
    history: createMemoryHistory({ initialEntries: ["/videos"] }),
  });
  return render(
    <QueryClientProvider client={queries}>
      <RouterProvider router={router as never} />
    </QueryClientProvider>,
  );
}
