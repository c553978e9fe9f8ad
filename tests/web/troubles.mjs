// What happens to a page while it is open. Prints a line of JSON when something has to happen outside
// of the browser, and goes on when it sees that it did.
import { say, visit, words } from "../harness/browser.mjs";

const [base, key] = words;
// The console has much to say of a gateway that is away.
const person = await visit(base, { expected: /./ });
const { go, page, pathOf } = person;
const signIn = () => person.giveKey(key);
const strip = page.getByRole("status").first();

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
await go("Usage");
await page.getByRole("table", { name: "Spent by day" }).waitFor();
say("at usage");
await page.getByLabel("API key").waitFor();
await signIn();
await page.getByRole("table", { name: "Spent by day" }).waitFor();
say("back", pathOf().split("?")[0]);

// An operator suspends the member, which ends its sessions. Nothing tells the page: it finds out when
// it asks.
const field = page.getByLabel("API key");
while (!(await field.isVisible())) {
  await page.reload();
  await field.or(page.getByRole("table", { name: "Spent by day" })).first().waitFor();
}
await signIn();
await strip.getByText("You are suspended").waitFor();
await go("Videos");
await page.getByRole("link", { name: /made meanwhile/ }).click();
// In the list a video that is pointed at plays, too.
await page.getByRole("heading", { name: /made meanwhile/ }).waitFor();
const seconds = await person.play(page.locator("video"));
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
await person.finish();
