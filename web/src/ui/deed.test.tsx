import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, expect, test, vi } from "vitest";
import { Refused } from "@/api/problem";
import { issuersQuery } from "@/api/issuers";
import { Deed, type Filled } from "./deed";
import { Field } from "./field";

beforeAll(() => {
  // jsdom has no dialogs that open.
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
});

function show(given: { pending?: boolean; error?: unknown; onSubmit: (filled: Filled) => void }) {
  return render(
    <Deed title="Grant" act="Grant" pending={false} error={null} onClose={() => {}} {...given}>
      <Field label="Credits" name="credits" type="number" />
      <Field label="Ends" name="ends_at" type="datetime-local" />
    </Deed>,
  );
}

test("an empty field says nothing, and an instant is that of the viewer", async () => {
  const asked = vi.fn<(filled: Filled) => void>();
  show({ onSubmit: asked });
  await userEvent.click(screen.getByRole("button", { name: "Grant" }));
  const empty = asked.mock.calls[0]?.[0];
  expect([empty?.numberOrNull("credits"), empty?.instantOrNull("ends_at")]).toEqual([null, null]);
  await userEvent.type(screen.getByLabelText("Credits"), "0");
  fireEvent.change(screen.getByLabelText("Ends"), { target: { value: "2026-12-01T08:30" } });
  await userEvent.click(screen.getByRole("button", { name: "Grant" }));
  const full = asked.mock.calls[1]?.[0];
  expect(full?.numberOrNull("credits")).toBe(0);
  expect(full?.instantOrNull("ends_at")).toBe(new Date(2026, 11, 1, 8, 30).toISOString());
});

test("while the answer is awaited, nothing is sent again", () => {
  const asked = vi.fn();
  show({ pending: true, onSubmit: asked });
  const button = screen.getByRole("button", { name: /Waiting/ });
  expect(button.hasAttribute("disabled")).toBe(true);
  const form = button.closest("form");
  if (!form) throw new Error("no form");
  fireEvent.submit(form);
  expect(asked).not.toHaveBeenCalled();
});

test("who has to sign in again does so in the form, and its key is not sent with the deed", async () => {
  const sent: Request[] = [];
  vi.stubGlobal("fetch", (address: string, init: RequestInit) => {
    sent.push(new Request(address, init));
    return Promise.resolve(new Response(null, { status: 204 }));
  });
  const error = new Refused({
    title: "Forbidden",
    detail: "Sign in again first.",
    code: "forbidden",
    status: 403,
    billed: false,
    retry_safe: true,
    request_id: "req_1",
    sign_in_again: true,
  });
  const asked = vi.fn<(filled: Filled) => void>();
  const queries = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  queries.setQueryData(issuersQuery.queryKey, [{ id: "company", name: "The company" }]);
  const deed = (
    <QueryClientProvider client={queries}>
      <Deed title="Resolve" act="Resolve" pending={false} error={error} onSubmit={asked} onClose={() => {}}>
        <Field label="Reason" name="reason" />
      </Deed>
    </QueryClientProvider>
  );
  render(deed);
  const link = screen.getByRole("link", { name: "Sign in again with The company" });
  const { pathname, searchParams } = new URL(link.getAttribute("href") ?? "");
  expect(pathname.endsWith("app/oidc/company/begin")).toBe(true);
  expect(searchParams.get("again")).toBe("1");
  // In another tab: what was filled in here stays.
  expect(link.getAttribute("target")).toBe("_blank");
  await userEvent.type(screen.getByLabelText("A key of yours"), "rg_mine{Enter}");
  await screen.findByText(/send it once more/);
  expect(asked).not.toHaveBeenCalled();
  expect(sent.map((one) => new URL(one.url).pathname)).toEqual(["/app/session/again"]);
  expect(await sent[0]?.json()).toEqual({ key: "rg_mine" });
});

test("a refusal is shown as the API said it, and the form stays", () => {
  const error = new Refused({
    title: "Too much",
    detail: "credit_limit must be at most 10.",
    code: "invalid_request",
    status: 422,
    billed: false,
    retry_safe: true,
    request_id: "req_1",
  });
  show({ error, onSubmit: () => {} });
  expect(screen.getByRole("alert").textContent).toContain("credit_limit must be at most 10.");
  expect(screen.getByRole("alert").textContent).toContain("No credits were spent.");
  expect(screen.getByLabelText("Credits")).toBeTruthy();
});
