import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { ChoiceField } from "./choice-field";
import { ACME, STRICT } from "./models.test-data";
import type { Model } from "./queries";
import { barred, type Issue, type Values } from "./rules";

function show(model: Model, name: string, values: Values, issues: Issue[] = []) {
  const option = model.options.find((one) => one.name === name);
  if (!option) throw new Error(name);
  const onChange = vi.fn();
  render(
    <ChoiceField
      option={option}
      id={`play-${name}`}
      demanded={option.required}
      issues={issues}
      warnings={[]}
      value={values[name]}
      barredBy={(value) => barred(model, values, name, value)}
      onChange={onChange}
    />,
  );
  return onChange;
}
const described = (element: HTMLElement) =>
  (element.getAttribute("aria-describedby") ?? "")
    .split(" ")
    .map((id) => document.getElementById(id)?.textContent ?? "")
    .join(" ");

test("what a rule bars cannot be chosen, and whoever comes there is told why", async () => {
  const onChange = show(ACME, "resolution", { duration: "7s", resolution: "720p" });
  const high = screen.getByRole("radio", { name: "1080p" });
  expect(high.hasAttribute("disabled")).toBe(true);
  expect(described(high)).toContain("Not 1080p: Resolution must be 720p for 7s (documented).");
  expect(described(screen.getByRole("group"))).toContain("must be 720p for 7s");
  await userEvent.click(high);
  expect(onChange).not.toHaveBeenCalled();
  await userEvent.click(screen.getByRole("radio", { name: "left open" }));
  expect(onChange).toHaveBeenCalledWith(undefined);
});

test("a way out of what an address has chosen wrongly stays open", async () => {
  const onChange = show(ACME, "mode", { mode: "std" });
  expect(screen.getByRole("radio", { name: "std" }).hasAttribute("disabled")).toBe(false);
  await userEvent.click(screen.getByRole("radio", { name: "pro" }));
  expect(onChange).toHaveBeenCalledWith("pro");
});

test("what may not be left open cannot be, and a flag has its two values", () => {
  show(STRICT, "resolution", { resolution: "768p" });
  expect(screen.getByRole("radio", { name: "left open" }).hasAttribute("disabled")).toBe(true);
  show(ACME, "loop", { loop: false });
  expect(screen.getByRole<HTMLInputElement>("radio", { name: "off" }).checked).toBe(true);
});

test("what is wrong is said with the name of the field", () => {
  show(ACME, "duration", {}, [{ field: "duration", message: "is required" }]);
  expect(described(screen.getByRole("group"))).toBe("Duration is required.");
});
