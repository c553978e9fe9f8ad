import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { Schemas } from "@/api/client";
import { ResolveMany, sumOf } from "./resolve-many";

type Unknown = Schemas["Unknown"];

beforeAll(() => {
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
});

const unknown = (id: string, quote: number) =>
  ({
    id,
    team: "films",
    member: "ada",
    spec: { prompt: "a fox" },
    outcomes: [
      { outcome: "not_made", settled_credits: 0, released_credits: quote, held_credits: 0 },
      { outcome: "lost", settled_credits: quote, released_credits: 0, held_credits: 0 },
    ],
  }) as unknown as Unknown;
const CHOSEN = [unknown("1", 150_000), unknown("2", 50_000), unknown("3", 1_000)];

const problem = (status: number, more = {}) =>
  Response.json(
    { title: "No", detail: `It is ${status}.`, code: "x", billed: false, retry_safe: true, ...more },
    { status },
  );
let sent: { id: string; body: unknown }[] = [];

function answering(...answers: Response[]) {
  vi.stubGlobal("fetch", async (request: Request) => {
    const id = /unknown\/(\w+)\/resolve/.exec(request.url)?.[1] ?? "";
    sent.push({ id, body: await request.json() });
    return answers.shift() ?? Response.json({ id, state: "failed" });
  });
}

beforeEach(() => {
  sent = [];
});

async function resolveAs(outcome: RegExp) {
  const done = vi.fn();
  render(
    <QueryClientProvider client={new QueryClient()}>
      <ResolveMany chosen={CHOSEN} onDone={done} onClose={() => {}} />
    </QueryClientProvider>,
  );
  await userEvent.click(screen.getByRole("radio", { name: outcome }));
  await userEvent.type(screen.getByLabelText("Reason"), "no charge");
  return done;
}

test("the effect on the money is the sum, and is told before", async () => {
  expect(sumOf(CHOSEN, "lost").settled_credits).toBe(201_000);
  await resolveAs(/^not made/);
  screen.getByRole("button", { name: "Resolve 3: 201\u202f000 credits go back" });
});

test("one that somebody else resolved does not hold up the others", async () => {
  answering(Response.json({ id: "1", state: "failed" }), problem(409));
  const done = await resolveAs(/^not made/);
  await userEvent.click(screen.getByRole("button", { name: /^Resolve 3/ }));
  await vi.waitFor(() => expect(done).toHaveBeenCalledOnce());
  const [answers, moved] = done.mock.calls[0] as [{ state: string | null; refusal: string }[], string];
  expect(answers.map((one) => one.state)).toEqual(["failed", null, "failed"]);
  expect(answers[1]?.refusal).toBe("It is 409.");
  // Only what was resolved has moved credits.
  expect(moved).toBe("151\u202f000 credits go back");
  expect(sent.map((one) => one.id)).toEqual(["1", "2", "3"]);
  expect(sent[0]?.body).toEqual({ outcome: "not_made", reason: "no charge" });
});

test("what all would be refused for stops, and goes on where it stopped", async () => {
  answering(Response.json({ id: "1", state: "failed" }), problem(403, { sign_in_again: true }));
  const done = await resolveAs(/^lost/);
  await userEvent.click(screen.getByRole("button", { name: /^Resolve 3/ }));
  await screen.findByLabelText("A key of yours");
  expect(done).not.toHaveBeenCalled();
  expect(sent.map((one) => one.id)).toEqual(["1", "2"]);
  await userEvent.click(screen.getByRole("button", { name: /^Resolve 2/ }));
  await vi.waitFor(() => expect(done).toHaveBeenCalledOnce());
  expect(sent.map((one) => one.id)).toEqual(["1", "2", "2", "3"]);
});
