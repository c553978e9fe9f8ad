// An operator, an administrator of a team and a member at what each of them looks after. Prints a
// line of JSON for each step; the test compares.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const [program, profile, base, link, lead, member, made, hook, shots] = process.argv.slice(2);
const axe = readFileSync("node_modules/axe-core/axe.min.js", "utf8");
const say = (step, found = null) => console.log(JSON.stringify({ step, found }));

const context = await chromium.launchPersistentContext(profile, {
  executablePath: program,
  args: ["--no-sandbox"],
  viewport: { width: 1280, height: 900 },
});
// Of a machine that has other things to do.
context.setDefaultTimeout(120_000);
const complaints = [];
const page = await context.newPage();
page.on("console", (message) => {
  if (message.type() === "error" && !/status of 401/.test(message.text()))
    complaints.push(message.text());
});
page.on("pageerror", (error) => complaints.push(error.message));

// Through the debugger: the policy lets no page run what we bring.
const bad = [];
async function look(name) {
  const session = await context.newCDPSession(page);
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
      bad.push(...result.value.map((one) => `${name} ${scheme} ${width}: ${one}`));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wide > 0) bad.push(`${name} ${width}: ${wide} pixels too wide`);
      if (shots) await page.screenshot({ path: `${shots}/${name}-${scheme}-${width}.png`, fullPage: true });
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1280, height: 900 });
  await session.detach();
}

const desk = page.getByRole("navigation", { name: "Desk" });
const go = (name) => desk.getByRole("link", { name, exact: true }).click();
const press = (name) => page.getByRole("button", { name }).first().click();
const dialog = page.getByRole("dialog");
const act = (name) => dialog.getByRole("button", { name }).click();
const reason = (text) => dialog.getByLabel("Reason").fill(text);
const rows = (name) => page.getByRole("table", { name }).locator("tbody tr");

async function signIn(key) {
  await page.goto(`${base}/app/sign-in`);
  await page.getByLabel("API key").fill(key);
  await page.keyboard.press("Enter");
  // Where it leads: a click before that would be on its way as well.
  await page.getByRole("heading", { name: "Playground" }).waitFor();
}
async function signOut() {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("API key").waitFor();
}

// The operator.
await page.goto(link);
await page.getByRole("link", { name: "Desk" }).click();
await page.getByRole("heading", { name: "Everybody's videos, now" }).waitFor();
await page.getByText("2 with an unknown outcome").waitFor();
await rows("How long videos of the last seven days took").first().waitFor();
await look("desk");
say("desk", await page.locator("dt", { hasText: "made today" }).locator("xpath=..").innerText());

await go("Generations");
await rows("Generations, newest first").nth(2).waitFor();
await look("generations");
await page.getByRole("link", { name: "In flight" }).click();
await page.getByRole("cell", { name: "unknown", exact: true }).first().waitFor();
say("in flight", page.url().replace(base, ""));
await page.getByRole("link", { name: "All", exact: true }).click();
await page.getByLabel("Any id").fill(made);
await press("Show");
await page.waitForURL(/q=/);
await page.getByRole("link", { name: made.slice(0, 8) }).click();
await page.getByRole("heading", { name: "a paper boat" }).waitFor();
await rows("Ledger entries, oldest first").nth(1).waitFor();
await rows("Webhooks about it, oldest first").first().waitFor();
await look("story");
say("story", await rows("Tries upstream, oldest first").count());
await press("Correct the cost");
await dialog.getByLabel("Credits in all").fill("0");
await reason("it shows a ship");
await look("correct");
await act(/credits go back/);
await page.getByText(/^Corrected: it has cost 0 credits, .* credits go back\.$/).waitFor();
await page.getByRole("cell", { name: "ledger.correct" }).waitFor();

await go("Unknowns");
await press("Choose all that are shown");
await press("Resolve the 2 chosen");
await dialog.getByRole("radio", { name: /^not made/ }).check();
await reason("no record of either");
await look("resolve several");
await act(/^Resolve 2: .* credits go back/);
await page.getByText(/^2 of 2 are resolved: .* credits go back\.$/).waitFor();
await page.getByRole("list", { name: "What became of each" }).getByText(/: failed$/).nth(1).waitFor();
await page.getByText("Nothing is unknown").waitFor();

await go("Deliveries");
await rows("Deliveries, newest first").first().waitFor();
await look("deliveries");
await press(/^Attempts of/);
await dialog.getByText("status 500").first().waitFor();
await look("attempts");
await act("Close");
await press(/^Disable http/);
await reason("it answers nobody");
await act("Disable");
await page.getByText(/is disabled\.$/).waitFor();
await press(/^Enable http/);
await reason("it is mended");
await act("Enable");
await page.getByText(/is enabled\.$/).waitFor();
await page.getByLabel("Team").selectOption({ label: "films" });
await press("Send again what failed");
await reason("it was down");
await act("Send again");
say("resent", await page.getByText(/(delivery is|deliveries are) sent again\.$/).innerText());

await go("Sign-ins");
await page.getByText("Nobody waits").waitFor();
await look("sign-ins");
await signOut();

// The administrator of a team.
await signIn(lead);
await page.getByRole("link", { name: "Desk" }).click();
await page.getByRole("heading", { name: "Videos of films, now" }).waitFor();
await look("desk of a team");
say("pages of a lead", await desk.getByRole("link").allInnerTexts());
await go("Generations");
await rows("Generations, newest first").nth(2).waitFor();
await page.getByLabel("Member").selectOption({ label: "ada" });
await press("Show");
await page.waitForURL(/member=/);
await look("generations of a team");
await rows("Generations, newest first").nth(2).getByRole("link").click();
await page.getByRole("heading", { name: "a paper boat" }).waitFor();
say("upstream", await page.getByText("Upstream key").count());
await look("story for a lead");
await go("Deliveries");
await rows("Deliveries, newest first").first().waitFor();
await signOut();

// A member.
await signIn(member);
await page.goto(`${base}/app/desk/generations`);
await page.getByText("The desk is for operators").waitFor();
await page.getByRole("link", { name: "Webhooks" }).click();
await page.getByText("You have no endpoint").waitFor();
await look("no webhooks");
await press("Set up an endpoint");
await dialog.getByLabel("Address").fill(`${hook}/ada`);
await look("set up");
await act("Set it up");
await page.getByText(/It is shown only now\.$/).waitFor();
await look("secret");
say("secret", await page.getByText(/^whsec_/).innerText());
await press("I have it");
await press(/^Test http/);
await page.getByText("The test arrived.").waitFor();
await rows("What was sent, newest first").first().waitFor();
await look("webhooks");
await press(/^Attempts of/);
await dialog.getByText("Body that was sent").click();
await dialog.getByText("webhook.test").last().waitFor();
await look("own attempts");
await act("Close");
await press(/^New secret: http/);
await act("Make a new secret");
await page.getByText(/It is shown only now\.$/).waitFor();
await press(/^Change: http/);
await dialog.getByLabel("Note").fill("the studio");
await act("Change it");
await page.getByText(/is changed\.$/).waitFor();
await press(/^Disable http/);
await page.getByText(/is disabled\.$/).waitFor();
await press("Show it");
await page.getByText("Your callback secret").waitFor();
await look("callback secret");
await press(/^Delete: http/);
await act("Delete");
await page.getByText(/is deleted\.$/).waitFor();

say("complaints", complaints);
say("violations", bad);
await context.close();
process.exit(0);
