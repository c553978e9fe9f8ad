import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test } from "vitest";
import { showTheme } from "./theme";
import { ThemeChoice } from "./theme-choice";

const shown = () => document.documentElement.dataset.theme;

afterEach(() => {
  window.localStorage.clear();
  showTheme();
});

test("a choice is shown at once, kept, and taken back", async () => {
  render(<ThemeChoice />);
  expect(screen.getByRole<HTMLInputElement>("radio", { name: "As the system" }).checked).toBe(true);
  await userEvent.click(screen.getByRole("radio", { name: "Dark" }));
  expect(shown()).toBe("dark");
  expect(screen.getByRole<HTMLInputElement>("radio", { name: "Dark" }).checked).toBe(true);
  delete document.documentElement.dataset.theme;
  showTheme();
  expect(shown()).toBe("dark");
  await userEvent.click(screen.getByRole("radio", { name: "As the system" }));
  expect(shown()).toBeUndefined();
});

test("what another program kept there is no theme", () => {
  window.localStorage.setItem("reelgate.theme", "<b>");
  showTheme();
  expect(shown()).toBeUndefined();
});
