// Walks through the desk's pages of money, upstream, catalogue and teams: as an operator first, then
// as the administrator of a team, who sees of each what is theirs. Prints a line of JSON a step.
import { readFileSync } from "node:fs";
import { DESK, say, visit, words } from "../harness/browser.mjs";

const [base, operator, lead, team] = words;
// A month that has not ended is refused, which the page shows. What is refused to who may not see it
// is not even asked for.
const person = await visit(base, { expected: /status of (401|422)/ });
const { act, dialog, examine, go, page, pathOf, press, reason, signOut } = person;

async function signIn(key, heading) {
  await person.signIn(key, heading);
  await page.goto(`${base}/app/desk`);
  await person.desk.waitFor();
}
const desk = async () => (await person.desk.getByRole("link").allTextContents()).join(" ");

await signIn(operator, DESK);

await go("Upstream");
await page.getByRole("meter", { name: /this minute/ }).first().waitFor();
await press(/^Test /);
await act("Test");
await page.getByText(/^A worker tests .* within seconds\.$/).waitFor();
await page.getByRole("definition").filter({ hasText: /^ok/ }).waitFor();
await press(/^Pause /);
await reason("the account is audited");
await examine("pause-upstream");
await act("Pause");
await page.getByText("the account is audited").waitFor();
await press(/^Use again /);
await reason("done");
await act("Use again");
await page.getByText(/ is in use again\.$/).waitFor();
await press(/^Show how the account/);
await page.getByRole("table", { name: /^How the account/ }).waitFor();
await examine("upstream");
say("upstream");

await go("Catalogue");
await page.getByRole("list", { name: "Models" }).waitFor();
await page.getByLabel("Name").fill("ray-v3");
await page.getByRole("heading", { name: "ray-v3", exact: true }).click();
await page.getByRole("table", { name: "Options of ray-v3", exact: true }).waitFor();
await examine("catalogue");
await page.getByLabel("Show").selectOption("disabled");
await page.getByLabel("Name").fill("");
await page.getByText("Not offered because").first().waitFor({ state: "attached" });
say("catalogue", pathOf());

await go("Money");
await page.getByRole("table", { name: "Spent by team" }).waitFor();
await page.getByRole("table", { name: "Used of the limits of teams" }).waitFor();
await page.getByText("Show the numbers").click();
await examine("money-spend");
await page.getByRole("table", { name: "Spent by team" }).getByRole("link", { name: "films" }).click();
await page.getByRole("table", { name: "Spent by member" }).getByText("ada").waitFor();
await page.getByLabel("Over time by").selectOption("month");
await page.getByLabel("By", { exact: true }).selectOption("tag");
await page.getByText("Which tag?").waitFor();
await page.getByLabel("Tag", { exact: true }).fill("cost_centre");
await page.keyboard.press("Enter");
await page.getByRole("rowheader", { name: "4711" }).waitFor();
const [csv] = await Promise.all([
  page.waitForEvent("download"),
  page.getByRole("link", { name: "CSV, by tag" }).click(),
]);
say("csv", readFileSync(await csv.path(), "utf8"));

await go("Drift");
await page.getByRole("table", { name: "Upstream accounts" }).waitFor();
await examine("money-drift");
await go("Prices");
await page.getByText("No price was set").waitFor();
await press("Set a price");
await dialog.getByLabel("Model").selectOption("ray-v3");
await dialog.getByLabel("duration").selectOption("10s");
await dialog.getByLabel("Credits", { exact: true }).fill("310000");
await dialog.getByLabel("From").fill("2040-01-01T00:00");
await reason("the new list");
await examine("set-price");
await act("Set the price");
await page.getByText(/^ray-v3, duration 10s costs 310.000 credits, from its date on\.$/).waitFor();
await examine("money-prices");
await press("Withdraw the price of ray-v3, duration 10s");
await reason("a mistake");
await act("Withdraw");
await page.getByText("The price of ray-v3, duration 10s never counts.").waitFor();

await go("Statements");
await page.getByLabel("Team").selectOption("films");
await page.getByRole("link", { name: "2020-01", exact: true }).waitFor();
await press("Close a month");
await dialog.getByLabel("Month").fill("2100-01");
await act("Close it for good");
await dialog.getByText(/the next one to close is 2020-02/).waitFor();
await examine("close-month");
await act("Cancel");
await page.getByRole("link", { name: "2020-01", exact: true }).click();
await page.getByText("The statement has no line").waitFor();
await page.getByText("No line is of this kind").waitFor();
await page.getByText("SHA-256 of the CSV").waitFor();
await examine("money-statement");
say("statement", pathOf());

await page.goto(`${base}/app/desk/teams`);
await go("films");
await page.getByRole("table", { name: "Keys of the team" }).waitFor();
await press("Change the team");
await dialog.getByLabel("Tags it requires").fill("cost_centre");
await dialog.getByLabel("Days its videos are kept").fill("30");
await reason("a new year");
await examine("change-team");
await act("Change");
await page.getByText("films is changed.").waitFor();
await page.getByText("30 days").waitFor();
await press("Make a key");
await dialog.getByLabel("Member").selectOption("ada");
await dialog.getByLabel("Name", { exact: true }).fill("laptop");
await act("Make the key");
await page.getByText("It is shown only now.").waitFor();
await press("I have it");
await press("Limits of the key laptop of ada");
await dialog.getByLabel("In progress at most").fill("1");
await dialog.getByLabel("Credits at most").fill("300000");
await reason("a laptop");
await act("Change");
await page.getByText("The limits of the key laptop are changed.").waitFor();
await press("Grant to the key laptop of ada");
await dialog.getByText("Nothing was granted").waitFor();
await dialog.getByLabel("Credits", { exact: true }).fill("500");
await reason("one more take");
await examine("grant-key");
await act("Grant");
await page.getByText("500 credits are granted to the key laptop.").waitFor();
await examine("team");
await press("Revoke of the key laptop of ada");
await reason("sold");
await act("Revoke");
await page.getByText(/^The key laptop of ada is revoked\./).waitFor();
await press("End ada");
await dialog.getByLabel("Write ada to confirm").fill("ada");
await reason("left");
await examine("end-member");
await act("End it for good");
await page.getByText(/^ada has ended\./).waitFor();
say("team", await desk());

await signOut();
await signIn(lead);
say("lead", await desk());
await go("Money");
await page.getByRole("heading", { name: "Money of films" }).waitFor();
await page.getByRole("table", { name: "Spent by member" }).getByText("ada").waitFor();
await page.getByRole("table", { name: "Used of the limit of films" }).waitFor();
say("no choice", await page.getByLabel("Team").count());
await examine("lead-money");
await go("Statements");
await page.getByRole("link", { name: "2020-01", exact: true }).waitFor();
say("no closing", await page.getByRole("button", { name: "Close a month" }).count());
// Whatever somebody writes into the address.
await page.goto(`${base}/app/desk/money?team=00000000-0000-0000-0000-000000000000`);
await page.getByRole("table", { name: "Spent by member" }).getByText("ada").waitFor();
for (const [path, title] of [
  ["money?view=prices", "This is for operators"],
  ["money?view=drift", "This is for operators"],
  ["upstream", "The upstream is for operators"],
  ["catalogue", "The catalogue is for operators"],
]) {
  await page.goto(`${base}/app/desk/${path}`);
  await page.getByText(title).waitFor();
}
await examine("lead-forbidden");
await page.goto(`${base}/app/desk/teams/${team}`);
await page.getByText("Operators change what the whole team may.").waitFor();
await examine("lead-team");
await person.finish();
