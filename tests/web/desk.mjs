// An operator, an administrator of a team and a member at what each of them looks after. Prints a
// line of JSON for each step; the test compares.
import { DESK, say, visit, words } from "../harness/browser.mjs";

const [base, link, lead, member, made, hook] = words;
const person = await visit(base);
const { act, desk, dialog, examine, page, pathOf, press, reason, rows, signIn, signOut } = person;
const go = (name) => person.go(name, desk);

// The operator.
await page.goto(link);
await page.getByRole("link", { name: "Desk" }).click();
await page.getByRole("heading", { name: DESK }).waitFor();
await page.getByText("2 with an unknown outcome").waitFor();
await rows("How long videos of the last seven days took").first().waitFor();
await examine("desk");
say("desk", await page.locator("dt", { hasText: "made today" }).locator("xpath=..").innerText());

await go("Generations");
await rows("Generations, newest first").nth(2).waitFor();
await examine("generations");
await page.getByRole("link", { name: "In flight" }).click();
await page.getByRole("cell", { name: "unknown", exact: true }).first().waitFor();
say("in flight", pathOf());
await page.getByRole("link", { name: "All", exact: true }).click();
await page.getByLabel("Any id").fill(made);
await press("Show");
await page.waitForURL(/q=/);
await page.getByRole("link", { name: made.slice(0, 8) }).click();
await page.getByRole("heading", { name: "a paper boat" }).waitFor();
await rows("Ledger entries, oldest first").nth(1).waitFor();
await rows("Webhooks about it, oldest first").first().waitFor();
await examine("story");
say("story", await rows("Tries upstream, oldest first").count());
await press("Correct the cost");
await dialog.getByLabel("Credits in all").fill("0");
await reason("it shows a ship");
await examine("correct");
await act(/credits go back/);
await page.getByText(/^Corrected: it has cost 0 credits, .* credits go back\.$/).waitFor();
await page.getByRole("cell", { name: "ledger.correct" }).waitFor();

await go("Unknowns");
await press("Choose all that are shown");
await press("Resolve the 2 chosen");
await dialog.getByRole("radio", { name: /^not made/ }).check();
await reason("no record of either");
await examine("resolve several");
await act(/^Resolve 2: .* credits go back/);
await page.getByText(/^2 of 2 are resolved: .* credits go back\.$/).waitFor();
await page.getByRole("list", { name: "What became of each" }).getByText(/: failed$/).nth(1).waitFor();
await page.getByText("Nothing is unknown").waitFor();

await go("Deliveries");
await rows("Deliveries, newest first").first().waitFor();
await examine("deliveries");
await press(/^Attempts of/);
await dialog.getByText("status 500").first().waitFor();
await examine("attempts");
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
await examine("sign-ins");
await signOut();

// The administrator of a team.
await signIn(lead);
await page.getByRole("link", { name: "Desk" }).click();
await page.getByRole("heading", { name: "Videos of films, now" }).waitFor();
await examine("desk of a team");
say("pages of a lead", await desk.getByRole("link").allInnerTexts());
await go("Generations");
await rows("Generations, newest first").nth(2).waitFor();
await page.getByLabel("Member").selectOption({ label: "ada" });
await press("Show");
await page.waitForURL(/member=/);
await examine("generations of a team");
await rows("Generations, newest first").nth(2).getByRole("link").click();
await page.getByRole("heading", { name: "a paper boat" }).waitFor();
say("upstream", await page.getByText("Upstream key").count());
await examine("story for a lead");
await go("Deliveries");
await rows("Deliveries, newest first").first().waitFor();
await signOut();

// A member.
await signIn(member);
await page.goto(`${base}/app/desk/generations`);
await page.getByText("The desk is for operators").waitFor();
await page.getByRole("link", { name: "Webhooks" }).click();
await page.getByText("You have no endpoint").waitFor();
await examine("no webhooks");
await press("Set up an endpoint");
await dialog.getByLabel("Address").fill(`${hook}/ada`);
await examine("set up");
await act("Set it up");
await page.getByText(/It is shown only now\.$/).waitFor();
await examine("secret");
say("secret", await page.getByText(/^whsec_/).innerText());
await press("I have it");
await press(/^Test http/);
await page.getByText("The test arrived.").waitFor();
await rows("What was sent, newest first").first().waitFor();
await examine("webhooks");
await press(/^Attempts of/);
await dialog.getByText("Body that was sent").click();
await dialog.getByText("webhook.test").last().waitFor();
await examine("own attempts");
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
await examine("callback secret");
await press(/^Delete: http/);
await act("Delete");
await page.getByText(/is deleted\.$/).waitFor();

await person.finish();
