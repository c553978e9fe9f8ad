import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, expect, test, vi } from "vitest";
import { age, cost } from "./generation-table";
import type { Story } from "./queries";
import { correction, deedsOf, StoryDeeds } from "./story-deeds";

beforeAll(() => {
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
});

const story = (state: Story["state"], video?: string, more: Partial<Story> = {}) =>
  ({
    id: "1",
    state,
    team: "films",
    member: "ada",
    quote_credits: 150_000,
    settled_credits: null,
    files: video ? [{ kind: "video", state: video, path: "videos/1.mp4" }] : [],
    ...more,
  }) as unknown as Story;

test("what can be done depends on the state, on the file, and on who looks", () => {
  expect(deedsOf(story("queued"), true)).toEqual(["cancel"]);
  expect(deedsOf(story("running"), true)).toEqual([]);
  expect(deedsOf(story("unknown"), true)).toEqual([]);
  expect(deedsOf(story("succeeded", "archived"), true)).toEqual(["correct"]);
  expect(deedsOf(story("succeeded", "archived"), false)).toEqual([]);
  expect(deedsOf(story("succeeded", "set_aside"), true)).toEqual(["retry", "accept", "correct"]);
  expect(deedsOf(story("succeeded", "set_aside"), false)).toEqual(["retry"]);
  expect(deedsOf(story("succeeded", "lost"), false)).toEqual(["retry"]);
});

test("a correction says which way the credits move", () => {
  expect(correction(150_000, 0)).toBe("150\u202f000 credits go back");
  expect(correction(0, 5_000)).toBe("5\u202f000 more credits are spent");
  expect(correction(5, 5)).toBe("no credits move");
  expect(correction(5, null)).toBe("no credits move");
});

test("what was canceled costs nothing, what is open holds its price", () => {
  const at = Date.parse("2026-11-30T12:01:00Z");
  const made = { created_at: "2026-11-30T12:00:00Z", finished_at: null };
  expect(cost(story("queued", undefined, made))).toBe("150\u202f000 held");
  expect(age(story("queued", undefined, made), at)).toBe(60);
  const ended = { ...made, finished_at: "2026-11-30T12:00:05Z" };
  expect(cost(story("canceled", undefined, ended))).toBe("0");
  expect(age(story("canceled", undefined, ended), at)).toBe(5);
});

test("a cancellation is sent with its reason, and what went back is told", async () => {
  const sent: Request[] = [];
  vi.stubGlobal("fetch", (request: Request) => {
    sent.push(request);
    return Promise.resolve(Response.json({ id: "1", state: "canceled", quote_credits: 150_000 }));
  });
  const done = vi.fn();
  render(
    <QueryClientProvider client={new QueryClient()}>
      <StoryDeeds of={story("queued")} operates onDone={done} />
    </QueryClientProvider>,
  );
  await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
  await userEvent.type(screen.getByLabelText("Reason"), "the campaign is off");
  await userEvent.click(screen.getByRole("button", { name: /credits go back$/ }));
  await vi.waitFor(() => expect(done).toHaveBeenCalledOnce());
  expect(done).toHaveBeenCalledWith(
    "Canceled: 150\u202f000 credits went back to films/ada.",
  );
  expect(new URL(sent[0]?.url ?? "").pathname).toBe("/api/v1/admin/generations/1/cancel");
  expect(await sent[0]?.json()).toEqual({ reason: "the campaign is off" });
});
