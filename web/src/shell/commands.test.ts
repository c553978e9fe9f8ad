import { expect, test } from "vitest";
import type { Me } from "@/api/me";
import { commandsFor, idIn, matching } from "./commands";

const ID = "06e92293-ee32-4778-9f2f-d4fb59482b91";
const person = (rights: Partial<Me>, scopes = ["generate", "read"]) =>
  ({ operates: false, manages_team: false, key: { scopes }, ...rights }) as Me;
const labels = (me: Me) => commandsFor(me).map((command) => command.label);

test("an id is found in the form of every API, and in an address", () => {
  expect(idIn(ID)).toBe(ID);
  expect(idIn(`video_${ID.replaceAll("-", "")}`)).toBe(ID);
  expect(idIn(`  http://host/app/videos/${ID.toUpperCase()}?x=1`)).toBe(ID);
  expect(idIn("06e92293")).toBeNull();
  expect(matching(ID, [])).toEqual([
    { label: "Open the video 06e92293…", to: `/videos/${ID}` },
  ]);
});

test("a person finds only what is open to it", () => {
  expect(labels(person({})).filter((label) => label.startsWith("Desk"))).toEqual([]);
  expect(labels(person({ manages_team: true }))).toContain("Desk: Unknowns");
  expect(labels(person({ manages_team: true }))).not.toContain("Desk: Controls");
  expect(labels(person({ operates: true }))).toContain("Desk: Controls");
  expect(labels(person({}))).toContain("Playground");
  expect(labels(person({}, ["read"]))).not.toContain("Playground");
});

test("every word must be there, whatever its case and order", () => {
  const all = commandsFor(person({ operates: true }));
  expect(matching("AUDIT desk", all).map(({ to }) => to)).toEqual(["/desk/audit"]);
  expect(matching("new key", all).map(({ label }) => label)).toEqual(["Make a key"]);
  expect(matching("nothing like it", all)).toEqual([]);
  expect(matching(" ", all)).toEqual(all);
});
