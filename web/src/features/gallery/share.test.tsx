import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, expect, test, vi } from "vitest";
import { renderPage } from "./sample.test-data";
import { ShareDialog } from "./share";
import { lengths } from "./share-queries";

beforeAll(() => {
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
});

const LINK = {
  object: "share",
  id: "7",
  generation_id: "1",
  member_id: "3",
  created_at: "2026-11-01T00:00:00Z",
  expires_at: "2026-11-02T00:00:00Z",
};

test("lengths end where the operators say", () => {
  expect(lengths(2_592_000).map(([seconds]) => seconds)).toEqual([3600, 86400, 604800, 2592000]);
  expect(lengths(7200)).toEqual([
    [3600, "1 hour"],
    [7200, "2 hours, the longest"],
  ]);
  expect(lengths(31_536_000).at(-1)).toEqual([2592000, "30 days"]);
});

test("a link is shown once, listed without its address, and revoked", async () => {
  let links: object[] = [];
  const sent: [string, unknown][] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    if (request.method === "GET")
      return Response.json({ object: "list", data: links, max_expires_in_seconds: 604800 });
    sent.push([request.method, request.method === "POST" ? await request.json() : null]);
    if (request.method === "DELETE") {
      links = [];
      return new Response(null, { status: 204 });
    }
    links = [LINK];
    return Response.json({ ...LINK, url: "http://gateway/media/shares/7.mp4?token=x" }, { status: 201 });
  });
  renderPage(<ShareDialog id="1" onClose={() => {}} />);
  const dialog = await screen.findByRole("dialog");
  await within(dialog).findByText("No link works at the moment.");
  await userEvent.selectOptions(within(dialog).getByLabelText("It works for"), "7 days");
  await userEvent.click(within(dialog).getByRole("button", { name: "Make a link" }));
  await within(dialog).findByText(/token=x/);
  await userEvent.click(await within(dialog).findByRole("button", { name: /^Revoke the link/ }));
  await within(dialog).findByText("No link works at the moment.");
  // A link that is revoked is no longer offered to be copied.
  expect(within(dialog).queryByText(/token=x/)).toBeNull();
  expect(sent).toEqual([
    ["POST", { expires_in_seconds: 604800 }],
    ["DELETE", null],
  ]);
});

test("where nobody may share, nothing is offered", async () => {
  vi.stubGlobal("fetch", () =>
    Promise.resolve(Response.json({ object: "list", data: [], max_expires_in_seconds: 0 })),
  );
  renderPage(<ShareDialog id="1" onClose={() => {}} />);
  await screen.findByText("The operators of this gateway allow no shares.");
  expect(screen.queryByRole("button", { name: "Make a link" })).toBeNull();
});
