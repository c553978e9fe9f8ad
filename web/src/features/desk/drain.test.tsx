import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { Draining, verdictOf } from "./drain";

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
