// Takes the pictures of docs/pages.md: a member's pages, then an operator's.
import { DESK, visit, words } from "../harness/browser.mjs";

const [base, member, operator, folder] = words;
const person = await visit(base, { expected: /status of (401|402|409|422)/ });
const { desk, go, page, rows, signIn, signOut } = person;

async function take(name, { width = 1280, height = 800, colorScheme = "light" } = {}) {
  await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
  await page.setViewportSize({ width, height });
  // All that is seen has come.
  await page.mouse.move(0, 0);
  await page.waitForFunction(() =>
    [...document.images].every(
      (one) => one.complete || one.getBoundingClientRect().top > window.innerHeight,
    ),
  );
  await page.screenshot({ path: `${folder}/${name}.png`, animations: "disabled" });
  await page.setViewportSize({ width: 1280, height: 800 });
}

await signIn(member);
await page.getByRole("textbox", { name: "Prompt" }).fill("A lantern festival by the river, seen from a bridge");
await page.getByLabel("Before you generate").getByText("Price").waitFor();
await page.getByRole("button", { name: "Generate", exact: true }).click();
const result = page.getByRole("region", { name: "Result" });
await result.getByText("SHA-256").first().waitFor();
await person.play(result.locator("video"));
await result.locator("video").evaluate((video) => video.pause());
await page.evaluate(() => scrollTo(0, 0));
await take("playground");

await go("Videos");
await page.locator("li img").first().waitFor();
await take("gallery");
await take("phone", { width: 360, height: 720 });
await page.getByRole("link", { name: /lighthouse/ }).click();
await page.getByRole("heading", { name: /lighthouse/ }).waitFor();
await person.play(page.locator("video"));
await page.locator("video").evaluate((video) => video.pause());
await take("video");

await go("Usage");
await page.getByRole("table", { name: "Spent by day" }).waitFor();
await take("usage");
await signOut();

await signIn(operator, DESK);
await rows("How long videos of the last seven days took").first().waitFor();
await take("desk", { colorScheme: "dark" });
await go("Unknowns", desk);
await page.getByRole("button", { name: "Resolve" }).first().waitFor();
await take("unknowns");
await person.finish();
