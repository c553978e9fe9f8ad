// What happens to a page while it is open. Prints a line of JSON when something has to happen outside
// of the browser, and goes on when it sees that it did.
import { chromium } from "playwright-core";

const [program, profile, base, key] = process.argv.slice(2);
const say = (step, found = null) => console.log(JSON.stringify({ step, found }));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: program,
  args: ["--no-sandbox"],
  viewport: { width: 1280, height: 900 },
});
const page = await context.newPage();
page.setDefaultTimeout(120_000);
const faults = [];
page.on("pageerror", (error) => faults.push(error.message));
const strip = page.getByRole("status").first();
async function signIn() {
  await page.getByLabel("API key").fill(key);
  await page.keyboard.press("Enter");
}

await page.goto(`${base}/app/videos`);
await signIn();
await page.getByText("No videos yet").waitFor();
await page.evaluate(() => (window.notReloaded = true));

// The gateway is killed, and started again.
say("signed in");
await strip.getByText("Not live at the moment").waitFor();
say("not live");
await strip.getByText("Not live at the moment").waitFor({ state: "detached" });
// Whatever happened meanwhile is asked for, and what happens from now on is heard.
await page.getByRole("link", { name: /made meanwhile/ }).waitFor();
say("live again");
await page.getByRole("link", { name: /made afterwards/ }).waitFor();
say("heard", await page.evaluate(() => window.notReloaded));

// Somebody signs this browser out, elsewhere.
await page.getByRole("link", { name: "Usage", exact: true }).click();
await page.getByRole("table", { name: "Spent by day" }).waitFor();
say("at usage");
await page.getByLabel("API key").waitFor();
await signIn();
await page.getByRole("table", { name: "Spent by day" }).waitFor();
say("back", page.url().replace(base, "").split("?")[0]);

// An operator suspends the member, which ends its sessions. Nothing tells the page: it finds out when
// it asks.
const field = page.getByLabel("API key");
while (!(await field.isVisible())) {
  await page.reload();
  await field.or(page.getByRole("table", { name: "Spent by day" })).first().waitFor();
}
await signIn();
await strip.getByText("You are suspended").waitFor();
await page.getByRole("link", { name: "Videos", exact: true }).click();
await page.getByRole("link", { name: /made meanwhile/ }).click();
// In the list a video that is pointed at plays, too.
await page.getByRole("heading", { name: /made meanwhile/ }).waitFor();
const seconds = await page.locator("video").evaluate(async (video) => {
  video.muted = true;
  await video.play();
  return video.duration;
});
const refused = await page.evaluate(async (address) => {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Reelgate": "1" },
    body: JSON.stringify({
      feature: "TEXT_TO_VIDEO", model: "ray-v3", prompt: "not made", duration: "5s",
    }),
  });
  return [answer.status, (await answer.json()).code];
}, `${base}/api/v1/generations`);
say("suspended", { seconds, refused });
say("faults", faults);
await context.close();
