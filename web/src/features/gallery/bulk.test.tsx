import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, expect, test, vi } from "vitest";
import { fileName, forEach } from "./bulk";
import { BulkBar, summary } from "./bulk-bar";
import { renderPage, video } from "./sample.test-data";

beforeAll(() => {
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function () {
    this.open = false;
    this.dispatchEvent(new Event("close"));
  };
});

test("a few at a time, and one that fails stops no other", async () => {
  const videos = [1, 2, 3, 4, 5, 6].map((number) => video(number));
  const ending: (() => void)[] = [];
  let open = 0;
  let most = 0;
  const told: string[] = [];
  const all = forEach(
    videos,
    async (one) => {
      open += 1;
      most = Math.max(most, open);
      // Ends the one before it, so that two are always under way.
      ending.shift()?.();
      if (one !== videos.at(-1)) await new Promise<void>((done) => ending.push(done));
      open -= 1;
      if (one === videos[2]) throw new Error("away");
      return { result: "done" };
    },
    ({ result, why }) => told.push(why ?? result),
    2,
  );
  await all;
  expect(most).toBe(2);
  expect(told.filter((one) => one === "done")).toHaveLength(5);
  expect(told).toContain("Error: away");
});

test("a favorite is not deleted, even if it became one after the list was read", async () => {
  const [plain, marked, refused] = [video(1), video(2), video(3)];
  const sent: string[] = [];
  vi.stubGlobal("fetch", (request: Request) => {
    sent.push(`${request.method} ${new URL(request.url).pathname.split("/").at(-1)}`);
    const found = [plain, marked, refused].find((one) => request.url.endsWith(one.id));
    if (request.method === "GET")
      return Promise.resolve(Response.json({ ...found, favorite: found === marked }));
    if (found === refused)
      return Promise.resolve(
        Response.json({ title: "Not ready", detail: "Still running." }, { status: 409 }),
      );
    return Promise.resolve(new Response(null, { status: 204 }));
  });
  const clear = vi.fn();
  renderPage(<BulkBar videos={[plain, marked, refused]} onClear={clear} />);
  await userEvent.click(await screen.findByRole("button", { name: "Delete" }));
  const dialog = screen.getByRole("dialog");
  expect(sent).toEqual([]);
  await userEvent.click(within(dialog).getByRole("button", { name: "Delete" }));
  await within(dialog).findByText("3 of 3: 1 deleted, 1 left as they are, 1 refused.");
  within(dialog).getByText("film 2: kept, a favorite");
  within(dialog).getByText("film 3: not deleted, Still running.");
  expect(sent.filter((one) => one.startsWith("DELETE")).sort()).toEqual([
    `DELETE ${plain.id}`,
    `DELETE ${refused.id}`,
  ]);
  await userEvent.click(within(dialog).getByRole("button", { name: "Close" }));
  expect(clear).toHaveBeenCalled();
});

test("what is said before a deletion counts favorites and what has no file", async () => {
  const videos = [video(1, { favorite: true }), video(2, { video: null }), video(3)];
  renderPage(<BulkBar videos={videos} onClear={() => {}} />);
  await userEvent.click(await screen.findByRole("button", { name: "Delete" }));
  screen.getByText("1 is a favorite and is kept.");
  screen.getByText("1 has no file.");
  await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
  expect(screen.queryByRole("dialog")).toBeNull();
});

test("files have names that say what they are, and no two the same", () => {
  const named = video(7, { spec: { prompt: "Ein Fuchs: überm Zaun/\u0000..", model: "ray-v3" } as never });
  expect(fileName(named)).toBe("Ein-Fuchs-überm-Zaun-00000000.mp4");
  expect(fileName(video(7, { spec: { prompt: "雪 狐", model: "ray-v3" } as never }))).toMatch(/^雪-狐-/);
});

test("a summary names only what there is", () => {
  expect(summary([{ video: video(1), result: "done" }], "downloaded", 2)).toBe("1 of 2: 1 downloaded.");
});
