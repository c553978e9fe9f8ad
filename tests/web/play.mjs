// The playground as a person uses it. Prints a line of JSON for each step; the test compares, and
// does in between what has to happen outside of the browser.
import { say, visit, words } from "../harness/browser.mjs";

const [base, key, poorKey] = words;
// A refusal that a page shows, and a poster that is not there yet.
const person = await visit(base, { expected: /status of (401|402|409|422)/ });
const { examine, page, pathOf, signOut } = person;

/** By keyboard alone. */
async function tabTo(selector, key = "Tab") {
  for (let count = 0; count < 80; count += 1) {
    await page.keyboard.press(key);
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
  }
  throw new Error(`${key} does not lead to ${selector}`);
}
const result = page.getByRole("region", { name: "Result" });
const badge = (state) => result.getByRole("status").getByText(state, { exact: true });
const generate = page.getByRole("button", { name: "Generate", exact: true });

async function signIn(secret) {
  await page.goto(`${base}/app`);
  await page.getByLabel("API key").waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.type(secret);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Playground" }).waitFor();
  await page.getByLabel("Before you generate").getByText("Price").waitFor();
}

await signIn(key);
await examine("empty form");
await page.evaluate(() => (window.notReloaded = true));

await tabTo("#play-model");
await page.keyboard.press("ArrowUp");
await tabTo("#play-prompt");
await page.keyboard.type("a paper boat");
await tabTo('input[name="play-duration"]:checked');
await page.keyboard.press("ArrowRight");
await tabTo('button[aria-keyshortcuts="Control+Enter"]');
await page.waitForURL(/prompt=a\+paper\+boat/);
say("asked", pathOf());
await page.keyboard.press("Enter");
// The upstream answers nothing yet: whatever is pressed now is the same video.
await page.getByText("The same request is being made.").waitFor();
await page.keyboard.press("Enter");
await tabTo("#play-prompt", "Shift+Tab");
await page.keyboard.press("Control+Enter");
await page.keyboard.press("Control+Enter");
await badge("submitting").waitFor();
await examine("on its way");
say("guarded", await generate.getAttribute("aria-disabled"));

await badge("succeeded").waitFor();
await result.getByText("SHA-256").first().waitFor();
const length = await person.play(result.locator("video"));
say("plays", [length, await page.evaluate(() => window.notReloaded)]);
await page.getByRole("tab", { name: "lumaai" }).click();
await page.getByRole("region", { name: "Code: lumaai" }).getByText('model="ray-v2-flash"').waitFor();
await examine("result");

await result.getByRole("link", { name: "Open in Videos" }).click();
await page.getByRole("link", { name: "Make again" }).waitFor();
await person.go("Videos");
await page.getByRole("combobox", { name: "Model" }).getByText("ray-v2-flash", { exact: true }).waitFor({ state: "attached" });
await page.getByRole("link", { name: /a paper boat/ }).click();
await page.getByRole("link", { name: "Make again" }).click();
await page.waitForURL(/play\?model=/);
await page.getByRole("textbox", { name: "Prompt" }).waitFor();
say("again", [pathOf(), await page.getByRole("textbox", { name: "Prompt" }).inputValue()]);

// As JSON: what no form can have is told, and what it can is in the form.
await page.getByRole("button", { name: "JSON" }).click();
const editor = page.getByRole("textbox", { name: /Body of/ });
const body = JSON.parse(await editor.inputValue());
await editor.fill(JSON.stringify({ ...body, durration: "5s" }));
await page.getByText(/unknown field; allowed fields are/).waitFor();
await examine("JSON");
await editor.fill(JSON.stringify({ ...body, prompt: "a paper plane" }));
await page.getByRole("button", { name: "Form", exact: true }).click();
say("edited", await page.getByRole("textbox", { name: "Prompt" }).inputValue());

// A rule bars a resolution, and says why.
await page.getByLabel("Model").selectOption("hailuo-02");
await page.getByText("10s", { exact: true }).click();
await page.getByText(/Not 1080p: Resolution must be 768p for 10s/).waitFor();
say("barred", await page.getByRole("radio", { name: "1080p" }).isDisabled());
await examine("barred");

// An image to begin with: a text is none, a drawing is.
await page.getByLabel("Model").selectOption("ray-v2-flash-image");
const area = page.getByText("Drop, paste or choose an image");
const drop = async (kind) => {
  const dataTransfer = await page.evaluateHandle(async (type) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [640, 360];
    const drawn = await new Promise((done) => canvas.toBlob(done, "image/png"));
    const carried = new DataTransfer();
    carried.items.add(new File([type === "image/png" ? drawn : "words"], "first", { type }));
    return carried;
  }, kind);
  await area.dispatchEvent("drop", { dataTransfer });
};
await drop("text/plain");
await page.getByText("first: It must be PNG, JPEG, WebP; this is text/plain.").waitFor();
await drop("image/png");
await page.getByRole("img", { name: "Image" }).waitFor();
await examine("image");
await page.getByRole("textbox", { name: "Prompt" }).press("Control+Enter");
// The video before it is shown until this one is accepted.
await result.getByLabel("Video: a paper plane").waitFor();
await result.getByText("As asked").waitFor();
say("from an image", await result.locator("dt", { hasText: "SHA-256" }).count());

// Nobody who has too little left is left to find out by trying, and who tries is told.
await signOut();
await signIn(poorKey);
await page.getByText(/It would be refused now\. The credit limit of the member/).waitFor();
await page.getByRole("textbox", { name: "Prompt" }).fill("a castle");
await page.keyboard.press("Control+Enter");
const refusal = page.getByRole("alert");
await refusal.getByText("No credits were spent.", { exact: false }).waitFor();
await examine("refusal");
say("refused", await refusal.locator("p").first().textContent());

await person.finish();
