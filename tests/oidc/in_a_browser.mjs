// Signs a person in, in a real browser, from a link of the gateway. Prints what it saw.
import { launch, words } from '../harness/browser.mjs'

const [gateway] = words
const browser = await launch()
const page = await browser.newPage()
const me = () => page.evaluate(async (address) => {
  const answer = await fetch(address)
  return [answer.status, (await answer.json()).name ?? null]
}, `${gateway}/api/v1/me`)

// From a page of somebody else, as from a portal.
await page.setContent(`<a href="${gateway}/app/oidc/real/begin?next=%2Fvideos">Sign in</a>`)
await page.getByRole('link').click()
await page.getByLabel('Who').fill('ada')
await page.getByRole('button').click()
await page.waitForURL(`${gateway}/app/videos`)
const found = { signed_in: await me() }
found.cookies = (await browser.cookies(gateway)).map((one) => [one.name, one.httpOnly, one.sameSite])
found.seen_by_scripts = await page.evaluate(() => document.cookie)
// Somebody whom nobody let in.
await browser.clearCookies()
await page.goto(`${gateway}/app/oidc/real/begin`)
await page.getByLabel('Who').fill('eve')
await page.getByRole('button').click()
await page.waitForURL('**/callback?*')
found.refused = await page.getByRole('heading').textContent()
await page.getByRole('link').click()
await page.waitForURL(`${gateway}/app/sign-in`)
found.signed_out = await me()
await browser.close()
console.log(JSON.stringify(found))
