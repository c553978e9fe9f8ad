import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, expect, test, vi } from "vitest";
import { type Me, meQuery } from "@/api/me";
import { CreateEndpoint } from "./forms";

beforeAll(() => {
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
});

function show(manages_team: boolean, onDone: () => void) {
  const queries = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  queries.setQueryData(meQuery.queryKey, { manages_team, team: { name: "films" } } as unknown as Me);
  render(
    <QueryClientProvider client={queries}>
      <CreateEndpoint onDone={onDone} onClose={() => {}} />
    </QueryClientProvider>,
  );
}

test("a form that is sent twice has one Idempotency-Key", async () => {
  const sent: Request[] = [];
  const refusal = { title: "No", detail: "Away.", code: "x", billed: null, retry_safe: true };
  const answers = [
    Response.json(refusal, { status: 503 }),
    Response.json({ id: "1", url: "https://a.example/x", secret: "whsec_x" }, { status: 201 }),
  ];
  vi.stubGlobal("fetch", (request: Request) => {
    sent.push(request);
    return Promise.resolve(answers.shift());
  });
  const done = vi.fn();
  show(false, done);
  expect(screen.queryByText(/Of everybody/)).toBeNull();
  await userEvent.type(screen.getByLabelText("Address"), "https://a.example/x");
  await userEvent.click(screen.getByRole("checkbox", { name: /a video was canceled/ }));
  await userEvent.click(screen.getByRole("button", { name: "Set it up" }));
  await screen.findByText("Away.");
  await userEvent.click(screen.getByRole("button", { name: "Set it up" }));
  await vi.waitFor(() => expect(done).toHaveBeenCalledOnce());
  const keys = sent.map((one) => one.headers.get("Idempotency-Key"));
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(keys[1]).toBe(keys[0]);
  expect(await sent[1]?.json()).toEqual({
    url: "https://a.example/x",
    event_types: ["video.completed", "video.failed"],
    format: "reelgate",
    description: null,
    team_wide: false,
  });
});

test("an administrator may hear of everybody", () => {
  show(true, () => {});
  expect(screen.getByLabelText("Of everybody in films")).toBeTruthy();
});
