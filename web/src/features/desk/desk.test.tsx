import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, expect, test, vi } from "vitest";
import type { Schemas } from "@/api/client";
import { auditSearch } from "./audit-search";
import { effectOf, Resolve } from "./resolve";

beforeAll(() => {
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
});

const OUTCOMES = [
  { outcome: "delivered", settled_credits: 150000, released_credits: 0, held_credits: 0 },
  { outcome: "found", settled_credits: 0, released_credits: 0, held_credits: 150000 },
  { outcome: "not_made", settled_credits: 0, released_credits: 150000, held_credits: 0 },
  { outcome: "lost", settled_credits: 150000, released_credits: 0, held_credits: 0 },
];

test("each outcome says what it does to the credits", () => {
  expect(OUTCOMES.map(effectOf)).toEqual([
    "150\u202f000 credits are spent",
    "150\u202f000 credits stay held",
    "150\u202f000 credits go back",
    "150\u202f000 credits are spent",
  ]);
});

test("an outcome is sent with its reason and nothing of another outcome", async () => {
  const sent: Request[] = [];
  const answer = { id: "1", state: "failed", settled_credits: 0 };
  vi.stubGlobal("fetch", (request: Request) => {
    sent.push(request);
    return Promise.resolve(Response.json(answer));
  });
  const done = vi.fn();
  const of = { id: "1", team: "films", member: "ada", upstream_id: null, outcomes: OUTCOMES } as unknown as Schemas["Unknown"];
  render(
    <QueryClientProvider client={new QueryClient()}>
      <Resolve of={of} onDone={done} onClose={() => {}} />
    </QueryClientProvider>,
  );
  await userEvent.click(screen.getByRole("radio", { name: /^delivered/ }));
  await userEvent.type(screen.getByLabelText("Link to the file"), "https://example.com/a.mp4");
  await userEvent.click(screen.getByRole("radio", { name: /^not made/ }));
  await userEvent.type(screen.getByLabelText("Reason"), "no record, no charge");
  await userEvent.click(screen.getByRole("button", { name: /credits go back/ }));
  await vi.waitFor(() => expect(done).toHaveBeenCalledOnce());
  expect(done).toHaveBeenCalledWith("films/ada's video is failed: 150\u202f000 credits go back.");
  expect(sent).toHaveLength(1);
  expect(await sent[0]?.json()).toEqual({ outcome: "not_made", reason: "no record, no charge" });
});

test("the filters of the audit log are texts, and empty ones are none", () => {
  expect(auditSearch({ actor: " ada ", action: "", subject: 4711, limit: 5 })).toEqual({
    actor: "ada",
    subject: "4711",
  });
});
