import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { ACME } from "./models.test-data";
import { Practice, practiceAddress } from "./practice";

const GATEWAY = "https://practice.example/gate";
const ASKED = {
  model: ACME.id,
  values: { prompt: "a wave & a boat", frames: ["11111111-2222-4333-8444-555555555555"], loop: true },
  extras: { user: "ada", callback_url: "https://studio.example/hook?token=s" },
};

test("practice has the same form, without what is of this gateway alone", () => {
  const address = new URL(practiceAddress(GATEWAY, ASKED, ACME));
  expect(address.origin + address.pathname).toBe("https://practice.example/gate/app/play");
  expect(Object.fromEntries(address.searchParams)).toEqual({
    model: ACME.id,
    prompt: "a wave & a boat",
    loop: "true",
    user: "ada",
  });
});

test("there is a link only where the operator has such a gateway, and it tells nothing of here", () => {
  const { container, rerender } = render(<Practice gateway={null} asked={ASKED} model={ACME} />);
  expect(container.textContent).toBe("");
  rerender(<Practice gateway={GATEWAY} asked={ASKED} model={ACME} />);
  const link = screen.getByRole<HTMLAnchorElement>("link", { name: "Practise without credits" });
  expect(link.rel).toContain("noreferrer");
  expect(link.href).toMatch(/^https:\/\/practice\.example\/gate\/app\/play\?model=/);
});
