import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { meQuery } from "@/api/me";
import { Refused } from "@/api/problem";
import "./app.css";
import { makeRouter } from "./router";
import { showTheme } from "./shell/theme";

showTheme();

const queries = new QueryClient({
  queryCache: new QueryCache({
    onError: (error, query) => {
      // A session ended under an open page. What nobody shows yet, the router itself asked for.
      if (!(error instanceof Refused && error.signedOut) || query.getObserversCount() === 0) return;
      queries.removeQueries({ queryKey: meQuery.queryKey });
      void router.invalidate();
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What was refused is refused again; an answer that did not come may come.
      retry: (count, error) => count < 2 && error instanceof Refused && error.problem.status >= 500,
    },
  },
});
const router = makeRouter(queries);

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}
