import { render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { Refused, refusal } from "@/api/problem";
import { Failure } from "./notices";

const PROBLEM = {
  type: "urn:reelgate:error:insufficient_credits",
  title: "Not enough credits",
  detail: "The member has 5 credits left.",
  code: "insufficient_credits",
  status: 402,
  billed: false,
  retry_safe: true,
  request_id: "abc",
};

test("a refusal says what happened, whether it cost anything, and its request", async () => {
  const error = await refusal(Response.json(PROBLEM, { status: 402 }));
  const retry = vi.fn();
  render(<Failure error={error} retry={retry} />);
  const alert = screen.getByRole("alert");
  expect(alert.textContent).toContain("The member has 5 credits left.");
  expect(alert.textContent).toContain("No credits were spent. It is safe to try again.");
  expect(alert.textContent).toContain("abc");
  screen.getByRole("button", { name: "Try again" }).click();
  expect(retry).toHaveBeenCalledOnce();
});

test("an answer that did not come leaves open whether it cost anything", () => {
  render(<Failure error={Refused.offline()} />);
  expect(screen.getByRole("alert").textContent).toContain(
    "Whether credits were spent is not known yet. Look before you try again.",
  );
});

test("an answer of a proxy is none of the gateway", async () => {
  const error = await refusal(new Response("<html>", { status: 502 }));
  expect(error.problem.code).toBe("unreadable");
  expect(error.problem.billed).toBeNull();
});
