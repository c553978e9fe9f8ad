// Walks through the pages as a person does. Prints a line of JSON for each step; the test answers
// what has to happen outside of the browser in between, and compares.
import { createServer, request } from "node:http";
import { say, visit, words } from "../harness/browser.mjs";

const [base, link, key] = words;
const person = await visit(base, { expected: /status of (401|409)/ });
const { act, dialog, examine, go, page, pathOf, press, reason, signOut } = person;

// From a page that is there already: only what is behind the `#` changes.
await page.goto(`${base}/app`);
await page.getByLabel("API key").waitFor();
await page.goto(link);
// An operator begins at the desk.
await page.waitForURL(`${base}/app/desk`);
say("linked", { address: pathOf(), role: await page.getByText("operator").count() });

await page.getByRole("link", { name: "Videos", exact: true }).click();

await page.getByText("No videos yet").waitFor();
await examine("empty gallery");

// Live: the test creates a video now, and nothing here is reloaded.
await page.evaluate(() => (window.notReloaded = true));
say("empty");
await page.getByRole("link", { name: /a paper boat/ }).waitFor();
await page.getByRole("listitem").getByText("succeeded", { exact: true }).waitFor();
await page.locator("li img").first().waitFor();
say("arrived", await page.evaluate(() => window.notReloaded));
await examine("gallery");

// Found by words, marked, selected by keyboard, and kept when what is selected is deleted.
await page.locator("li").first().hover();
await page.locator("li video").waitFor();
const silent = await page.locator("li video").evaluate((video) => video.muted);
await page.mouse.move(0, 0);
await page.getByRole("button", { name: "Favorite: a paper boat" }).click();
await page.locator("li button[aria-pressed=true]").waitFor();
await page.getByLabel("Words of the prompt").fill("BOAT paper");
await page.keyboard.press("Enter");
await page.getByLabel("Favorites only").check();
await page.waitForURL(/q=BOAT.*favorite=true|favorite=true.*q=BOAT/);
await page.getByRole("link", { name: /a paper boat/ }).focus();
await page.keyboard.press("Space");
const selected = page.getByRole("region", { name: "Selected videos" });
await selected.getByText("1 selected").waitFor();
await examine("selection");
await selected.getByRole("button", { name: "Delete" }).click();
await page.getByText("1 is a favorite and is kept.").waitFor();
await examine("delete selected");
await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
await page.getByText("1 of 1: 0 deleted, 1 left as they are.").waitFor();
await examine("deleted selected");
await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
await page.getByLabel("Words of the prompt").fill("nowhere");
await page.keyboard.press("Enter");
await page.getByText("No video is like this").waitFor();
await page.getByRole("button", { name: "Clear the filters" }).click();
say("kept", silent);

await page.getByRole("link", { name: /a paper boat/ }).click();
await page.getByRole("heading", { name: /a paper boat/ }).waitFor();
const length = await person.play(page.locator("video"));
const video = pathOf();
say("plays", length);
await examine("video");

await page.getByRole("button", { name: "Share" }).click();
await page.getByRole("button", { name: "Make a link" }).click();
await page.getByText("This link is shown only now.").waitFor();
const shared = await page.getByRole("dialog").locator("code").textContent();
const opens = async () => (await fetch(shared)).status;
const before = await opens();
await examine("share");
await page.getByRole("button", { name: /^Revoke the link/ }).click();
await page.getByText("No link works at the moment.").waitFor();
say("shared", [before, await opens()]);
await page.getByRole("button", { name: "Close" }).click();

await page.getByRole("button", { name: "Delete" }).click();
await examine("question");
await page.keyboard.press("Escape");
await page.getByRole("button", { name: "Delete" }).click();
await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
await page.getByText("The file is deleted.").waitFor();
say("deleted");

// What a member and an operator do by forms. One request is charged and its answer lost.
await page.evaluate(() =>
  fetch("/api/v1/generations", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Reelgate": "1" },
    body: JSON.stringify({
      feature: "TEXT_TO_VIDEO", model: "ray-v3", prompt: "[sim:reset_after] a fox", duration: "5s",
    }),
  }),
);
await go("Usage");
await page.getByRole("table", { name: "Spent by day" }).waitFor();
await examine("usage");

await go("Keys");
await press("Make a key");
await dialog.getByLabel("Name").fill("laptop");
await examine("make a key");
await act("Make the key");
await page.getByText("It is shown only now.").waitFor();
await examine("keys");
await press("I have it");
await press("Revoke laptop");
await act("Revoke");
await page.getByText("laptop is revoked.").waitFor();

await go("Desk");
await page.getByText("1 with an unknown outcome").waitFor();
await examine("desk");
await go("Unknowns");
await press("Resolve");
await dialog.getByRole("radio", { name: /^not made/ }).check();
await reason("no record of it");
await examine("resolve");
await act(/credits go back/);
await page.getByText(/video is failed: .* credits go back/).waitFor();

await go("Teams");
await press("Make a team");
await dialog.getByLabel("Name").fill("films");
await dialog.getByLabel("Credits at most").fill("3000000");
await act("Make the team");
await go("films");
await press("Grant credits");
await dialog.getByLabel("Credits").fill("500");
await reason("the trailer");
await act("Grant");
await page.getByText("500 credits are granted to films.").waitFor();
await examine("team");

await go("Controls");
await press("Pause submission");
await reason("a new key");
await act("Pause");
await press("Resume submission");
await reason("it is in use");
await act("Resume");
await page.getByRole("button", { name: "Pause submission" }).waitFor();
await examine("controls");

// By keyboard, from anywhere.
await page.keyboard.press("Control+K");
await page.getByRole("combobox", { name: "A page, or the id of a video" }).waitFor();
await page.keyboard.type("log audit");
await examine("palette");
await page.keyboard.press("Enter");
await page.getByRole("cell", { name: "team.create", exact: true }).first().waitFor();
await examine("audit log");
const surface = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
await page.locator("label", { hasText: "Dark" }).last().click();
await page.reload();
await page.getByRole("heading", { name: "Audit log" }).waitFor();
const dark = await surface();
await page.locator("label", { hasText: "As the system" }).last().click();
say("deeds", { dark, light: await surface() });

await page.getByRole("link", { name: "Account" }).click();
await page.getByRole("heading", { name: "Account" }).waitFor();
await examine("account");
await signOut();
// The link has served, for whoever finds it.
await page.goto(link);
await page.getByRole("alert").waitFor();
say("out", pathOf());
await page.goto(`${base}/app/videos?state=canceled`);
await page.getByLabel("API key").waitFor();
await examine("sign-in");

// By keyboard alone, and back to where the person wanted to go.
await page.keyboard.press("Tab");
await page.keyboard.type("rg_wrong");
await page.keyboard.press("Enter");
await page.getByRole("alert").waitFor();
await examine("refusal");
await page.getByLabel("API key").focus();
await page.keyboard.press("ControlOrMeta+A");
await page.keyboard.type(key);
await page.keyboard.press("Enter");
await page.getByText("No video is canceled").waitFor();
say("in", pathOf());

// A proxy that serves the gateway below a path, which it removes, and of which nobody was told.
const proxy = createServer((asked, answer) => {
  const path = asked.url.replace(/^\/studio\/video/, "");
  const options = { method: asked.method, headers: asked.headers };
  asked.pipe(
    request(base + path, options, (answered) => {
      answer.writeHead(answered.statusCode, answered.headers);
      answered.pipe(answer);
    }),
  );
});
await new Promise((done) => proxy.listen(0, "127.0.0.1", done));
const below = `http://127.0.0.1:${proxy.address().port}/studio/video`;
await page.goto(below + video);
await page.getByRole("heading", { name: /a paper boat/ }).waitFor();
await page.getByRole("link", { name: "Account" }).click();
await page.getByRole("heading", { name: "Account" }).waitFor();
say("below", page.url().replace(below, ""));

await person.finish();
