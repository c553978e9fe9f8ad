// Walks through the pages as a person does. Prints a line of JSON for each step; the test answers
// what has to happen outside of the browser in between, and compares.
import { readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { chromium } from "playwright-core";

const [program, profile, base, link, key] = process.argv.slice(2);
const axe = readFileSync("node_modules/axe-core/axe.min.js", "utf8");
const say = (step, found = null) => console.log(JSON.stringify({ step, found }));

const context = await chromium.launchPersistentContext(profile, {
  executablePath: program,
  args: ["--no-sandbox"],
  viewport: { width: 1280, height: 900 },
});
const complaints = [];
function watched(page) {
  page.on("console", (message) => {
    // A refusal that a page asks for and shows is no fault of it.
    if (message.type() === "error" && !/status of (401|409)/.test(message.text()))
      complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  return page;
}

// Through the debugger: the policy lets no page run what we bring.
async function violations(page, name) {
  const session = await context.newCDPSession(page);
  const found = [];
  for (const scheme of ["light", "dark"]) {
    for (const width of [360, 1440]) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width, height: 900 });
      await session.send("Runtime.evaluate", { expression: axe });
      const { result } = await session.send("Runtime.evaluate", {
        awaitPromise: true,
        returnByValue: true,
        expression: `axe.run().then((all) => all.violations.map((one) =>
          one.id + " " + one.nodes.map((node) => node.target.join(" ")).join(", ")))`,
      });
      found.push(...result.value.map((one) => `${name} ${scheme} ${width}: ${one}`));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wide > 0) found.push(`${name} ${width}: ${wide} pixels too wide`);
    }
  }
  await session.detach();
  return found;
}

const page = watched(await context.newPage());
await page.goto(link);
await page.getByRole("heading", { name: "Videos" }).waitFor();
say("linked", { address: page.url().replace(base, ""), role: await page.getByText("operator").count() });

await page.getByText("No videos yet").waitFor();
const bad = await violations(page, "empty gallery");

// Live: the test creates a video now, and nothing here is reloaded.
await page.evaluate(() => (window.notReloaded = true));
say("empty");
await page.getByRole("link", { name: /a paper boat/ }).waitFor();
await page.getByRole("listitem").getByText("succeeded", { exact: true }).waitFor();
await page.locator("li img").first().waitFor();
say("arrived", await page.evaluate(() => window.notReloaded));
bad.push(...(await violations(page, "gallery")));

await page.getByRole("link", { name: /a paper boat/ }).click();
await page.getByRole("heading", { name: /a paper boat/ }).waitFor();
const length = await page.locator("video").evaluate(async (video) => {
  video.muted = true;
  await video.play();
  return video.duration;
});
const video = page.url().replace(base, "");
say("plays", length);
bad.push(...(await violations(page, "video")));

await page.getByRole("button", { name: "Delete" }).click();
bad.push(...(await violations(page, "question")));
await page.keyboard.press("Escape");
await page.getByRole("button", { name: "Delete" }).click();
await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
await page.getByText("The file is deleted.").waitFor();
say("deleted");

await page.getByRole("link", { name: "Account" }).click();
await page.getByRole("heading", { name: "Account" }).waitFor();
bad.push(...(await violations(page, "account")));
await page.setViewportSize({ width: 1280, height: 900 });
await page.getByRole("button", { name: "Sign out" }).click();
await page.getByLabel("API key").waitFor();
await page.goto(`${base}/app/videos?state=failed`);
await page.getByLabel("API key").waitFor();
bad.push(...(await violations(page, "sign-in")));
say("out");

// By keyboard alone, and back to where the person wanted to go.
await page.keyboard.press("Tab");
await page.keyboard.type("rg_wrong");
await page.keyboard.press("Enter");
await page.getByRole("alert").waitFor();
bad.push(...(await violations(page, "refusal")));
await page.getByLabel("API key").focus();
await page.keyboard.press("ControlOrMeta+A");
await page.keyboard.type(key);
await page.keyboard.press("Enter");
await page.getByText("No video is failed").waitFor();
say("in", page.url().replace(base, ""));

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

say("complaints", complaints);
say("violations", bad);
await context.close();
// The proxy's own connections, of events, would keep it running.
process.exit(0);
