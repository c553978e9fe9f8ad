import { QueryClient } from "@tanstack/react-query";
import { fireEvent, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useState } from "react";
import { Favorite } from "./favorite";
import { Preview } from "./preview";
import { generationQuery } from "./queries";
import { renderPage, video } from "./sample.test-data";
import { NOTHING } from "./selection";
import { steps } from "./timeline";
import { VideoGrid } from "./video-grid";

let motion = true;

beforeEach(() => {
  motion = true;
  // A window of 1200 by 768 pixels: there is no layout here.
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(1200);
  vi.stubGlobal(
    "ResizeObserver",
    class {
      constructor(private readonly tell: () => void) {}
      observe() {
        this.tell();
      }
      unobserve() {}
      disconnect() {}
    },
  );
  vi.stubGlobal("matchMedia", () => ({ matches: !motion }));
});
afterEach(() => vi.unstubAllGlobals());

function Ten({ count, onEnd = () => {} }: { count: number; onEnd?: () => void }) {
  const [selection, setSelection] = useState(NOTHING);
  const [videos] = useState(() => Array.from({ length: count }, (_, index) => video(count - index)));
  return (
    <>
      <output>{selection.ids.size}</output>
      <VideoGrid videos={videos} selection={selection} onSelect={setSelection} onEnd={onEnd} />
    </>
  );
}

test("ten thousand videos have no more in the document than those in sight", async () => {
  const onEnd = vi.fn();
  renderPage(<Ten count={10_000} onEnd={onEnd} />);
  const shown = await screen.findAllByRole("listitem");
  expect(shown.length).toBeGreaterThan(4);
  expect(shown.length).toBeLessThan(60);
  expect(onEnd).not.toHaveBeenCalled();
  const list = screen.getByRole("list");
  expect(list.querySelectorAll("*").length).toBeLessThan(2_000);
  // As high as all of them are: 2,500 rows.
  expect(parseInt(list.style.height)).toBeGreaterThan(2_500 * 200);
});

test("the end of the list asks for more", async () => {
  const onEnd = vi.fn();
  renderPage(<Ten count={5} onEnd={onEnd} />);
  await waitFor(() => expect(onEnd).toHaveBeenCalled());
});

test("keys move the focus and select, with shift up to there", async () => {
  renderPage(<Ten count={40} />);
  const [first] = await screen.findAllByRole("link");
  first?.focus();
  await userEvent.keyboard(" {ArrowRight}{ArrowDown}");
  expect((document.activeElement as HTMLElement).dataset.index).toBe("5");
  await userEvent.keyboard("{Shift>} {/Shift}");
  expect(screen.getByRole("status").textContent).toBe("6");
  await userEvent.keyboard("{ArrowLeft}{ArrowUp}{ArrowUp}");
  expect((document.activeElement as HTMLElement).dataset.index).toBe("0");
  await userEvent.keyboard("{Control>}a{/Control}");
  expect(screen.getByRole("status").textContent).toBe("40");
  await userEvent.keyboard("{Escape}");
  expect(screen.getByRole("status").textContent).toBe("0");
});

test("a click with shift selects a range", async () => {
  renderPage(<Ten count={12} />);
  const boxes = await screen.findAllByRole("checkbox");
  await userEvent.click(screen.getByRole("checkbox", { name: "Select: film 11" }));
  fireEvent.click(screen.getByRole("checkbox", { name: "Select: film 8" }), { shiftKey: true });
  expect(boxes.map((box) => (box as HTMLInputElement).checked).indexOf(true)).toBe(1);
  expect(screen.getByRole("status").textContent).toBe("4");
});

test("a video plays without sound while it is pointed at, and not for who minds motion", async () => {
  const { container, unmount } = renderPage(<Preview video={video(1)} active={true} />);
  await waitFor(() => expect(container.querySelector("video")).toBeTruthy());
  const playing = container.querySelector("video");
  expect(playing?.muted).toBe(true);
  expect(playing?.src).toMatch(/\/content$/);
  unmount();
  motion = false;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const still = renderPage(<Preview video={video(1)} active={true} />);
  await vi.runAllTimersAsync();
  expect(still.container.querySelector("img")).toBeTruthy();
  expect(still.container.querySelector("video")).toBeNull();
  vi.useRealTimers();
});

test("a mark is shown once the gateway has it, and stays away when it refuses", async () => {
  let status = 204;
  const sent: string[] = [];
  vi.stubGlobal("fetch", (request: Request) => {
    sent.push(request.method);
    return Promise.resolve(
      status === 204
        ? new Response(null, { status })
        : Response.json({ title: "Suspended", detail: "You are suspended." }, { status }),
    );
  });
  const queries = new QueryClient();
  const one = video(1);
  queries.setQueryData(generationQuery(one.id).queryKey, one);
  const shown = renderPage(<Favorite video={one} />, queries);
  await userEvent.click(await screen.findByRole("button", { name: "Favorite: film 1" }));
  await waitFor(() =>
    expect(queries.getQueryData(generationQuery(one.id).queryKey)?.favorite).toBe(true),
  );
  shown.unmount();
  status = 403;
  renderPage(<Favorite video={{ ...one, favorite: true }} />, queries);
  await userEvent.click(await screen.findByRole("button"));
  expect((await screen.findByRole("button")).title).toBe("You are suspended.");
  expect(screen.getByRole("button").getAttribute("aria-pressed")).toBe("true");
  expect(sent).toEqual(["PUT", "DELETE"]);
});

test("a timeline has what happened, and how long each step took", () => {
  const whole = video(1, {
    created_at: "2026-11-01T10:00:00Z",
    submitted_at: "2026-11-01T10:00:05Z",
    finished_at: "2026-11-01T10:07:05Z",
    video: { state: "archived", archived_at: "2026-11-01T10:07:08Z" } as never,
  });
  expect(steps(whole).map(({ what, after }) => [what, after])).toEqual([
    ["Accepted", null],
    ["Sent", 5],
    ["Succeeded", 420],
    ["Archived", 3],
  ]);
  const canceled = { ...whole, state: "canceled" as const, submitted_at: null, video: null };
  expect(steps(canceled).map(({ what, after }) => [what, after])).toEqual([
    ["Accepted", null],
    ["Canceled", 425],
  ]);
});
