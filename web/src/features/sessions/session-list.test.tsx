import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { browserName, SessionList } from "./session-list";

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const HERE = {
  object: "session",
  id: "6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
  method: "key",
  key_prefix: "rg_aaaaaaaa",
  address: "192.0.2.1",
  browser: FIREFOX,
  created_at: "2026-03-01T12:00:00Z",
  last_seen_at: "2026-03-01T13:00:00Z",
  expires_at: "2026-03-02T01:00:00Z",
  current: true,
};
const THERE = { ...HERE, id: "7f9619ff-8b86-4d01-b42d-00cf4fc964ff", browser: null, current: false };

test("browsers are called as people call them", () => {
  expect(browserName(FIREFOX)).toBe("Firefox on Linux");
  expect(browserName("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0")).toBe(
    "Edge on Windows",
  );
  expect(browserName("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/156.0 Safari/537.36")).toBe(
    "Chrome or Chromium on Linux",
  );
  expect(browserName(null)).toBe("A browser");
});

test("another browser is signed out, and the list is asked for again", async () => {
  const asked: Request[] = [];
  let left = [HERE, THERE];
  vi.stubGlobal("fetch", (request: Request) => {
    asked.push(request);
    if (request.method === "DELETE") {
      left = [HERE];
      return Promise.resolve(new Response(null, { status: 204 }));
    }
    return Promise.resolve(Response.json({ object: "list", data: left }));
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <SessionList />
    </QueryClientProvider>,
  );
  await screen.findByText("Firefox on Linux");
  const buttons = screen.getAllByRole("button", { name: /^Sign out A browser/ });
  expect(buttons).toHaveLength(1);
  await userEvent.click(buttons[0] as HTMLElement);
  await vi.waitFor(() => expect(screen.queryByText("A browser")).toBeNull());
  const [change] = asked.filter((one) => one.method === "DELETE");
  expect(change?.url).toMatch(new RegExp(`/api/v1/sessions/${THERE.id}$`));
  expect(change?.headers.get("X-Reelgate")).toBe("1");
});
