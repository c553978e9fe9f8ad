import { beforeEach, expect, test } from "vitest";
import { SentRequests } from "./sent";

const BODY = { model: "acme", text: "a wave" };
let storage: Storage;
beforeEach(() => {
  sessionStorage.clear();
  storage = sessionStorage;
});

test("a form has one key however often it is sent, and another form another one", () => {
  const sent = new SentRequests("ada", storage);
  const once = sent.onceOf(BODY);
  expect(sent.onceOf({ ...BODY })).toBe(once);
  expect(sent.onceOf({ ...BODY, text: "a hill" })).not.toBe(once);
  expect(sent.onceOf(BODY)).toBe(once);
});

test("a click whose answer was lost with the page is the same click after it", () => {
  const before = new SentRequests("ada", storage);
  const once = before.onceOf(BODY);
  before.sending(BODY, once);
  expect(new SentRequests("ada", storage).onceOf(BODY)).toBe(once);
  before.became(BODY, once, "g1");
  expect(new SentRequests("ada", storage).find(BODY)).toEqual({ once, id: "g1" });
});

test("generating once more is another key, and of nobody else", () => {
  const sent = new SentRequests("ada", storage);
  const once = sent.onceOf(BODY);
  sent.became(BODY, once, "g1");
  sent.again(BODY);
  expect(sent.find(BODY)).toBeUndefined();
  expect(sent.onceOf(BODY)).not.toBe(once);
  sent.became(BODY, once, "g1");
  expect(new SentRequests("eve", storage).find(BODY)).toBeUndefined();
  expect(JSON.stringify(storage)).not.toContain("a wave");
});

test("without storage it works until the page is left, and only so many are kept", () => {
  const sent = new SentRequests("ada", null);
  for (let count = 0; count < 30; count += 1) sent.became({ count }, `once ${count}`, `g${count}`);
  expect(sent.find({ count: 29 })?.id).toBe("g29");
  expect(sent.find({ count: 9 })).toBeUndefined();
});
