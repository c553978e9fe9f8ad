import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, expect, test, vi } from "vitest";
import type { Schemas } from "@/api/client";
import { GrantCredits } from "./grant-form";
import type { Grantee } from "./grant-queries";

beforeAll(() => {
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
});

const GRANT: Schemas["Grant"] = {
  object: "grant",
  id: "g",
  account: "key",
  team_id: "t",
  credits: 150000,
  reason: "the launch",
  actor: "films/lead",
  created_at: "2026-11-01T00:00:00Z",
  ends_at: "2026-12-01T00:00:00Z",
};

const PATHS: [Grantee, string][] = [
  [{ of: "key", key: "k", name: "laptop" }, "/api/v1/admin/keys/k/grants"],
  [
    { of: "member", team: "t", member: "m", name: "ada" },
    "/api/v1/admin/teams/t/members/m/grants",
  ],
];

test.each(PATHS)("a grant goes to its account once, below what was granted before", async (to, path) => {
  const sent: Request[] = [];
  vi.stubGlobal("fetch", (request: Request) => {
    if (request.method === "GET")
      return Promise.resolve(
        Response.json({ object: "list", data: [GRANT], has_more: false, next_cursor: null }),
      );
    sent.push(request);
    return sent.length === 1
      ? Promise.reject(new TypeError("the network is away"))
      : Promise.resolve(Response.json({ ...GRANT, credits: 5000 }, { status: 201 }));
  });
  const done = vi.fn();
  render(
    <QueryClientProvider client={new QueryClient()}>
      <GrantCredits to={to} onDone={done} onClose={() => {}} />
    </QueryClientProvider>,
  );
  const row = (await screen.findByText("the launch")).closest("tr");
  expect(row?.textContent).toContain("films/lead");
  expect(row?.querySelectorAll("time")[1]?.dateTime).toBe("2026-12-01T00:00:00Z");
  await userEvent.type(screen.getByLabelText("Credits"), "5000");
  await userEvent.type(screen.getByLabelText("Reason"), "one more take");
  await userEvent.click(screen.getByRole("button", { name: "Grant" }));
  await screen.findByRole("alert");
  await userEvent.click(screen.getByRole("button", { name: "Grant" }));
  const named = to.of === "key" ? "the key laptop" : to.name;
  await vi.waitFor(() =>
    expect(done).toHaveBeenCalledWith(`5\u202f000 credits are granted to ${named}.`),
  );
  const [first, second] = sent.map((request) => request.headers.get("Idempotency-Key"));
  expect(second).toBe(first);
  expect(new URL(sent[1]?.url ?? "").pathname).toBe(path);
  expect(await sent[1]?.json()).toEqual({ credits: 5000, ends_at: null, reason: "one more take" });
});
