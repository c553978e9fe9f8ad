// What scripts that drive a browser share. `browsing` of browser.py starts them.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const [program, profile, ...passed] = process.argv.slice(2);
/** What the test passes to its script. */
export const words = passed;

/** A line of JSON for each step: the test compares, and does what has to happen outside meanwhile. */
export const say = (step, found = null) => console.log(JSON.stringify({ step, found }));

/** A browser with no past. Nothing has to be quick on a machine that has other things to do, but what
 * is stuck says where. */
export async function launch(viewport = { width: 1280, height: 900 }) {
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: program,
    // Whoever started this ends it.
    timeout: 0,
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
    viewport,
  });
  context.setDefaultTimeout(120_000);
  return context;
}

/** What an operator sees first. */
export const DESK = "Everybody's videos, now";

/** A person at the pages of the gateway at `base`. `expected` is what the browser's console may call
 * an error: a refusal that a page asks for and shows is no fault of it. */
export async function visit(base, { expected = /status of 401/ } = {}) {
  const context = await launch();
  const page = await context.newPage();
  const complaints = [];
  const violations = [];
  page.on("console", (message) => {
    const text = `${message.text()} ${message.location().url}`;
    if (message.type() === "error" && !expected.test(text)) complaints.push(text);
  });
  page.on("pageerror", (error) => complaints.push(error.message));

  const dialog = page.getByRole("dialog");
  const button = (name, within = page) => within.getByRole("button", { name, exact: true });

  async function giveKey(key) {
    await page.getByLabel("API key").fill(key);
    await page.keyboard.press("Enter");
  }

  return {
    context,
    page,
    dialog,
    desk: page.getByRole("navigation", { name: "Desk" }),
    pathOf: () => page.url().replace(base, ""),
    rows: (name) => page.getByRole("table", { name }).locator("tbody tr"),
    go: (name, within = page) => within.getByRole("link", { name, exact: true }).click(),
    // Each row of a table may have one.
    press: (name) => button(name).first().click(),
    act: (name) => dialog.getByRole("button", { name }).click(),
    reason: (text) => dialog.getByLabel("Reason").fill(text),

    giveKey,
    async signIn(key, heading = "Playground") {
      await page.goto(`${base}/app/sign-in`);
      await giveKey(key);
      // Where it leads: a click before that would be on its way as well.
      await page.getByRole("heading", { name: heading }).waitFor();
    },
    async signOut() {
      await button("Sign out").click();
      await page.getByLabel("API key").waitFor();
    },

    /** What axe finds in what is shown now, light and dark, narrow and wide; and what does not fit. */
    async examine(name) {
      // Through the debugger: the policy lets no page run what we bring.
      const session = await context.newCDPSession(page);
      const axe = readFileSync("node_modules/axe-core/axe.min.js", "utf8");
      await session.send("Runtime.evaluate", { expression: axe });
      const pictures = process.env.REELGATE_TEST_PICTURES;
      // Whatever is not a colour is the same in both.
      const colours = { type: "rule", values: ["color-contrast", "link-in-text-block"] };
      const rules = { light: {}, dark: { runOnly: colours } };
      for (const colorScheme of ["light", "dark"]) {
        for (const width of [360, 1440]) {
          await page.emulateMedia({ colorScheme });
          await page.setViewportSize({ width, height: 900 });
          const { result } = await session.send("Runtime.evaluate", {
            awaitPromise: true,
            returnByValue: true,
            expression: `axe.run(${JSON.stringify(rules[colorScheme])}).then((all) => all.violations.map((one) =>
              one.id + " " + one.nodes.map((node) => node.target.join(" ")).join(", ")))`,
          });
          const where = `${name} ${colorScheme} ${width}`;
          violations.push(...result.value.map((one) => `${where}: ${one}`));
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          if (wide > 0) violations.push(`${where}: ${wide} pixels too wide`);
          if (pictures) await page.screenshot({ path: `${pictures}/${where}.png`, fullPage: true });
        }
      }
      await session.detach();
      await page.emulateMedia({ colorScheme: "light" });
      await page.setViewportSize({ width: 1280, height: 900 });
    },

    /** Plays what the page shows, and returns its seconds. */
    play: (video) =>
      video.evaluate(async (shown) => {
        shown.muted = true;
        await shown.play();
        return shown.duration;
      }),

    async finish() {
      say("complaints", complaints);
      say("violations", violations);
      await context.close();
      // Connections of a script's own would keep it running.
      process.exit(0);
    },
  };
}
