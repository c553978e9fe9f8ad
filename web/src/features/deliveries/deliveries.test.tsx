import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, expect, test, vi } from "vitest";
import { lastOf, receiver } from "./delivery-table";
import { standing } from "./endpoint-table";
import type { Delivery } from "./queries";
import { ResendFailed } from "./resend";
import { deliveriesSearch } from "./search";

beforeAll(() => {
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
});

const ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
const delivery = (more: Partial<Delivery>) =>
  ({ attempt_count: 1, last_status: null, last_error: null, endpoint_id: ID, ...more }) as Delivery;

test("a delivery says how it went and where to", () => {
  expect(lastOf(delivery({ attempt_count: 0 }))).toBe("not tried yet");
  expect(lastOf(delivery({ last_status: 500, last_error: "answered 500" }))).toBe(
    "status 500: answered 500",
  );
  expect(lastOf(delivery({ last_error: "timeout" }))).toBe("timeout");
  expect(receiver(delivery({}), "https://a.example/x")).toBe("https://a.example/x");
  expect(receiver(delivery({}))).toBe("3fa85f64");
  expect(receiver(delivery({ endpoint_id: null }))).toBe("callback address");
});

test("an endpoint says why nothing is sent to it", () => {
  const of = { enabled: false, disabled_reason: "gone", failing_since: null };
  expect(standing(of).why).toBe("it answered that it is gone");
  expect(standing({ ...of, disabled_reason: "something new" }).why).toBe("something new");
  expect(standing({ ...of, enabled: true, failing_since: "2026-11-30T12:00:00Z" }).word).toBe("failing");
  expect(standing({ ...of, enabled: true, disabled_reason: null }).word).toBe("enabled");
});

test("what the address does not mean is left out", () => {
  expect(deliveriesSearch({ team: "films", state: "lost", since: "then", off: "true" })).toEqual({});
  const meant = { team: ID, endpoint: ID, state: "failed", since: "2026-11-30T12:00", off: true };
  expect(deliveriesSearch(meant)).toEqual(meant);
});

test("all batches are sent, and after a refusal from where it stopped", async () => {
  const sent: Record<string, unknown>[] = [];
  const refusal = { title: "No", detail: "Later.", code: "x", billed: false, retry_safe: true };
  const answers = [
    Response.json({ object: "resent", count: 500, has_more: true, next_cursor: "two" }),
    Response.json(refusal, { status: 429 }),
    Response.json({ object: "resent", count: 7, has_more: false, next_cursor: null }),
  ];
  vi.stubGlobal("fetch", async (request: Request) => {
    sent.push((await request.json()) as Record<string, unknown>);
    return answers.shift();
  });
  const done = vi.fn();
  render(
    <QueryClientProvider client={new QueryClient()}>
      <ResendFailed team={ID} endpoint={undefined} since={undefined} onDone={done} onClose={() => {}} />
    </QueryClientProvider>,
  );
  await userEvent.type(screen.getByLabelText("Reason"), "it was down");
  await userEvent.click(screen.getByRole("button", { name: "Send again" }));
  await screen.findByText("Later.");
  expect(done).not.toHaveBeenCalled();
  await userEvent.click(screen.getByRole("button", { name: "Send again" }));
  await vi.waitFor(() => expect(done).toHaveBeenCalledWith("507 deliveries are sent again."));
  expect(sent.map((one) => one.cursor)).toEqual([undefined, "two", "two"]);
  expect(sent[0]).toEqual({ since: null, limit: 500, reason: "it was down" });
});
