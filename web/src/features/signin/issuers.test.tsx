import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { Issuers } from "./issuers";
import { issuersQuery } from "@/api/issuers";

function show(issuers: { id: string; name: string }[], next?: string) {
  const queries = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  queries.setQueryData(issuersQuery.queryKey, issuers);
  return render(
    <QueryClientProvider client={queries}>
      <Issuers next={next} />
    </QueryClientProvider>,
  );
}

test("each issuer has a link that comes back to the page", () => {
  show(
    [
      { id: "company", name: "The company" },
      { id: "other", name: "<b>Other</b>" },
    ],
    "/videos?tag=a b",
  );
  const links = screen.getAllByRole("link");
  expect(links.map((link) => link.textContent)).toEqual([
    "Sign in with The company",
    "Sign in with <b>Other</b>",
  ]);
  const found = new URL(links[0]?.getAttribute("href") ?? "");
  expect(found.pathname.endsWith("app/oidc/company/begin")).toBe(true);
  expect(found.searchParams.get("next")).toBe("/videos?tag=a b");
});

test("without issuers there is nothing", () => {
  expect(show([]).container.childElementCount).toBe(0);
});
