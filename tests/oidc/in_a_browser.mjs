// Signs people in, in a real browser, from a link of the gateway; and an operator lets one of them in.
// Prints a line of JSON a step.
import { DESK, say, visit, words } from '../harness/browser.mjs'

const [gateway, key] = words
// 403 is the answer to who has to wait. The issuer has no icon.
const person = await visit(gateway, { expected: /status of (401|403)|favicon\.ico$/ })
const { act, context, desk, dialog, examine, go, page, pathOf, reason } = person
const me = () => page.evaluate(async (address) => {
  const answer = await fetch(address)
  return [answer.status, (await answer.json()).name ?? null]
}, `${gateway}/api/v1/me`)

/** At the issuer, which asks, since no cookie of anybody is left. */
async function sayWho(name) {
  await page.getByLabel('Who').fill(name)
  await page.getByRole('button').click()
}

// From a page of somebody else, as from a portal.
await page.setContent(`<a href="${gateway}/app/oidc/real/begin?next=%2Fvideos">Sign in</a>`)
await page.getByRole('link').click()
await sayWho('ada')
await page.waitForURL(`${gateway}/app/videos`)
say('signed in', await me())
say('cookies', (await context.cookies(gateway)).map((one) => [one.name, one.httpOnly, one.sameSite]))
say('seen by scripts', await page.evaluate(() => document.cookie))

// Somebody whom nobody let in.
await context.clearCookies()
await page.goto(`${gateway}/app/oidc/real/begin`)
await sayWho('eve')
await page.waitForURL('**/callback?*')
say('refused', await page.getByRole('heading').textContent())
await page.getByRole('link').click()
await page.waitForURL(`${gateway}/app/sign-in`)
say('signed out', await me())

await person.signIn(key, DESK)
await page.getByText('1 person waits').waitFor()
await go('Sign-ins', desk)
await page.getByRole('cell', { name: 'eve@example.com, not verified' }).waitFor()
await examine('who waits')
await page.getByRole('button', { name: 'Accept Eve' }).click()
await dialog.getByLabel('Team').selectOption({ label: 'studio' })
await dialog.getByLabel('Name', { exact: true }).fill('eve')
await reason('she said so herself')
await examine('accept')
await act('Accept')
await page.getByText('Eve may sign in from now on, as the member eve.').waitFor()
await page.getByText('Nobody waits').waitFor()
await person.signOut()

await context.clearCookies()
await page.goto(`${gateway}/app/usage`)
await page.getByRole('link', { name: /The company/ }).click()
await sayWho('eve')
await page.waitForURL(`${gateway}/app/usage*`)
await page.getByRole('heading', { name: 'Usage' }).waitFor()
say('let in', [pathOf().split('?')[0], await me()])

await person.finish()
