// Uses the page of examples/web-page as a person does, and prints what it saw.
import { launch, words } from '../harness/browser.mjs'

const [address, key] = words
const browser = await launch()
const page = await browser.newPage()

// All that reaches the browser, and what it objects to.
const received = []
const polls = []
const objections = []
page.on('response', (answer) => {
  const url = answer.url()
  received.push(answer.allHeaders().then(JSON.stringify))
  if (url.startsWith(address)) received.push(answer.text())
  if (/\/api\/videos\/[0-9a-f-]+$/.test(url)) polls.push(url)
})
page.on('request', (request) => received.push(request.allHeaders().then(JSON.stringify)))
page.on('pageerror', (error) => objections.push(String(error)))
page.on('console', (message) => {
  if (/Content Security Policy|CORS/.test(message.text())) objections.push(message.text())
})
const events = []
const tools = await browser.newCDPSession(page)
await tools.send('Network.enable')
tools.on('Network.eventSourceMessageReceived', ({ data }) => events.push(data))

const prompt = page.getByLabel('What happens in it?')
const create = page.getByRole('button', { name: 'Create' })
const another = page.getByRole('button', { name: 'Make another' })
const status = (text) => page.getByRole('status').filter({ hasText: text }).waitFor()
const listening = () =>
  page.waitForResponse((answer) => answer.url().includes('/events?token=') && answer.status() === 200)

try {
  const found = {}
  await page.goto(address)

  // No worker runs yet, so what is created stays queued.
  await prompt.fill('a canceled boat')
  await create.click()
  await status('Waiting')
  await page.getByRole('button', { name: 'Cancel' }).click()
  await status('Canceled')
  await another.click()

  // Two clicks before the page can draw anything, and the first answer is lost.
  await page.route('**/api/videos', async (route) => {
    await route.fetch()
    await route.abort()
  }, { times: 1 })
  await prompt.fill('a paper boat')
  await page.getByLabel('Square').check()
  await create.evaluate((button) => {
    button.click()
    button.click()
  })
  found.lost = await page.getByRole('alert').textContent()
  await status('Waiting')
  const open = listening()
  await page.reload()
  await status('Waiting')
  await open
  polls.length = 0
  console.log('queued')

  await status('Your video is ready')
  found.polls_until_ready = polls.length
  const film = page.locator('video')
  found.film = await film.evaluate(async (video) => {
    video.muted = true // Nobody has clicked since the reload.
    await video.play()
    while (video.currentTime < 0.2) {
      if (video.error) throw new Error(video.error.message)
      await new Promise((resolve) => video.requestVideoFrameCallback(resolve))
    }
    return { square: video.videoWidth === video.videoHeight, width: video.videoWidth, seconds: video.duration }
  })
  await page.locator('video[poster]').waitFor()
  found.still_playing = await film.evaluate((video) => video.currentTime > 0)
  found.poster = await film.evaluate(async (video) => {
    const image = new Image()
    image.src = video.poster
    await image.decode()
    return image.naturalWidth > 0
  })
  await another.click()

  await prompt.fill('  ')
  await create.click()
  found.refused = await page.getByRole('alert').textContent()
  await prompt.fill('a boat that fails [sim:failed_200]')
  await create.click()
  await status('No video was made')
  found.failed = await page.getByRole('alert').textContent()

  const all = [...(await Promise.all(received)), ...events]
  all.push(JSON.stringify(await browser.storageState()))
  found.events = events.length > 0
  found.with_the_key = all.filter((text) => text.includes(key)).length
  found.with_a_token = all.some((text) => text.includes('rg_events_'))
  found.objections = objections
  console.log(JSON.stringify(found))
} catch (error) {
  console.error(objections.join('\n'), await page.locator('body').innerText())
  throw error
} finally {
  await browser.close()
}
