import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { beforeAll, expect, test, vi } from "vitest";
import { keepViews, MOST, readViews, refusalOf, sameView } from "./saved";
import { ManageViews, SaveView } from "./saved-forms";
import type { View } from "./search";

beforeAll(() => {
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
});

const LATE: View = { name: "Late", search: { state: "queued", older: 60 } };

function shelf() {
  const kept = new Map<string, string>();
  return {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
  };
}

test("each member has views of their own, and what is no view is left out", () => {
  const storage = shelf();
  expect(keepViews("ada", [LATE], storage)).toBe(true);
  expect(readViews("ada", storage)).toEqual([LATE]);
  expect(readViews("bob", storage)).toEqual([]);
  storage.setItem("reelgate.views.bob", "<b>");
  expect(readViews("bob", storage)).toEqual([]);
  const odd = [null, 5, { name: "x" }, { name: "Odd", search: { state: "made up", q: "rg_abcdefgh_secret" } }];
  storage.setItem("reelgate.views.bob", JSON.stringify(odd));
  expect(readViews("bob", storage)).toEqual([{ name: "Odd", search: { q: "rg_abcdefgh" } }]);
  expect(keepViews("ada", [LATE], null)).toBe(false);
});

test("a name is there once, beside those that everybody has, and there are at most twenty", () => {
  expect(refusalOf([LATE], "Late")).toMatch(/already/);
  expect(refusalOf([LATE], "In flight")).toMatch(/already/);
  expect(refusalOf([LATE], "Late", "Late")).toBe("");
  const many = Array.from({ length: MOST }, (_, place) => ({ ...LATE, name: `view ${place}` }));
  expect(refusalOf(many, "Late")).toMatch(/Delete one first/);
  expect(refusalOf(many, "Late", "view 3")).toBe("");
  expect(sameView({ older: 60, state: "queued" }, LATE.search)).toBe(true);
  expect(sameView({ state: "queued" }, LATE.search)).toBe(false);
});

test("a view is saved under a name that is free, and says where it is kept", async () => {
  const change = vi.fn(() => true);
  const close = vi.fn();
  render(<SaveView views={[LATE]} search={{ q: "a" }} onChange={change} onClose={close} />);
  expect(screen.getByText(/kept in this browser alone/)).toBeTruthy();
  await userEvent.type(screen.getByLabelText("Name"), "Late{Enter}");
  expect(screen.getByRole("alert").textContent).toMatch(/already/);
  expect(change).not.toHaveBeenCalled();
  await userEvent.type(screen.getByLabelText("Name"), "r{Enter}");
  expect(change).toHaveBeenCalledWith([LATE, { name: "Later", search: { q: "a" } }]);
  expect(close).toHaveBeenCalledOnce();
});

test("where a browser keeps nothing, nothing is called saved", async () => {
  const close = vi.fn();
  render(<SaveView views={[]} search={{}} onChange={() => false} onClose={close} />);
  await userEvent.type(screen.getByLabelText("Name"), "Late{Enter}");
  expect(screen.getByRole("alert").textContent).toMatch(/bookmark/);
  expect(close).not.toHaveBeenCalled();
});

test("views get other names, and are deleted", async () => {
  function Desk() {
    const [views, setViews] = useState<View[]>([LATE, { name: "Mine", search: { q: "a" } }]);
    return (
      <ManageViews
        views={views}
        onChange={(next) => {
          setViews(next);
          return true;
        }}
        onClose={() => {}}
      />
    );
  }
  render(<Desk />);
  const name = screen.getByLabelText("Name of Late");
  await userEvent.clear(name);
  await userEvent.type(name, "Mine{Enter}");
  expect(screen.getByRole("alert").textContent).toMatch(/already/);
  await userEvent.clear(name);
  await userEvent.type(name, "Very late{Enter}");
  expect(screen.getByRole("status").textContent).toBe("Late is called Very late now.");
  expect(screen.queryByRole("alert")).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Delete the view Very late" }));
  await userEvent.click(screen.getByRole("button", { name: "Delete the view Mine" }));
  expect(screen.getByText("No view is saved.")).toBeTruthy();
});
