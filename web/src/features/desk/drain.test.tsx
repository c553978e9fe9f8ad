import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { ControlsPage } from "./controls-page";
import { Draining, verdictOf } from "./drain";
import { overviewQuery } from "./queries";

HTMLDialogElement.prototype.showModal = function () {
  this.open = true;
};

const OPEN = {
  admission_paused: false,
  submission_paused: false,
  queued: 0,
  submitting: 0,
  running: 0,
  archiving: 0,
  drained: false,
};
const PAUSED = { ...OPEN, admission_paused: true };

test("nothing in flight is safe only where nothing more comes", () => {
  expect(verdictOf(OPEN)).toBe("New requests are accepted.");
  expect(verdictOf({ ...PAUSED, archiving: 1 })).toBe("What was accepted is being finished.");
  expect(verdictOf({ ...PAUSED, submission_paused: true, queued: 2 })).toMatch(/what is queued waits/);
  expect(verdictOf(PAUSED)).toMatch(/a request may still come/);
  expect(verdictOf({ ...PAUSED, drained: true })).toMatch(/safe to stop/);
});

test("a drain shows its counts, and is begun and ended by one button", async () => {
  const deed = vi.fn();
  const { container, rerender } = render(<Draining of={{ ...OPEN, running: 3 }} onDeed={deed} />);
  expect(container.querySelector("dl")?.textContent).toBe("queued0being sent0running3not archived yet0");
  await userEvent.click(screen.getByRole("button", { name: "Drain the gateway" }));
  rerender(<Draining of={{ ...PAUSED, running: 3 }} onDeed={deed} />);
  expect(screen.getByText("draining")).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "End the drain" }));
  expect(deed.mock.calls).toEqual([[false], [true]]);
});

test("a drain begins also before it is known what is paused", async () => {
  vi.stubGlobal("fetch", () => new Promise(() => {}));
  const queries = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  queries.setQueryData(overviewQuery.queryKey, { drain: OPEN } as never);
  render(
    <QueryClientProvider client={queries}>
      <ControlsPage />
    </QueryClientProvider>,
  );
  await userEvent.click(screen.getByRole("button", { name: "Drain the gateway" }));
  expect(screen.getByRole("dialog", { name: "Pause admission" })).toBeTruthy();
});
