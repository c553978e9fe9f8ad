// Opens a page of each origin in a real browser, lets it call the gateway, and prints what it saw.
import { launch, words } from '../../harness/browser.mjs'

const [listed, stranger, gateway, key] = words
const browser = await launch()

// Runs inside the page: nothing but what a browser has.
async function call({ gateway, key }) {
  const sent = {
    'API-KEY': key,
    'Content-Type': 'application/json',
    'Idempotency-Key': 'from-a-page',
    'X-Request-Id': 'from-a-page',
    'x-stainless-retry-count': '0',
    Prefer: 'wait=0',
  }
  const names = [
    'X-Request-Id', 'Location', 'RateLimit', 'RateLimit-Policy', 'Reelgate-Adjusted',
    'Reelgate-Upstream', 'Preference-Applied', 'Idempotent-Replayed',
  ]
  const create = (body, headers = sent) =>
    fetch(`${gateway}/dream-machine/v1/generations/video`, {
      method: 'POST', headers, body: JSON.stringify(body),
    })
  const asked = { model: 'ray-2', prompt: 'from a page', duration: '9s', aspect_ratio: '1:1' }
  const made = await create(asked)
  const again = await create(asked)
  const read = (answer) => Object.fromEntries(names.map((name) => [name, answer.headers.get(name)]))
  const generation = await made.json()
  const found = { created: made.status, read: read(made), replayed: read(again)['Idempotent-Replayed'] }
  found.same = (await again.json()).id === generation.id

  const own = { Authorization: `Bearer ${key}` }
  const look = async () => {
    const answer = await fetch(`${gateway}/api/v1/generations/${generation.id}`, { headers: own })
    return answer.json()
  }
  let seen = await look()
  while (seen.video?.state !== 'archived') seen = await look()
  const part = await fetch(seen.video.url, { headers: { Range: 'bytes=4-7' } })
  found.part = [part.status, await part.text(), part.headers.get('Content-Range').split('/')[0]]
  found.etag = part.headers.get('ETag').length > 2

  const wrong = await create({ model: 'ray-9' }, { ...sent, 'Idempotency-Key': 'wrong' })
  const { code, errors } = await wrong.json()
  found.wrong = [wrong.status, code, errors.map((each) => each.field)]
  const nobody = await create(asked, { 'API-KEY': 'rg_nobody' })
  found.nobody = [nobody.status, (await nobody.json()).code]
  try {
    await create(asked, { ...sent, 'X-Not-Named': '1' })
    found.unnamed = 'sent'
  } catch (error) {
    found.unnamed = error.name
  }
  return found
}

async function tryTo({ gateway, key }) {
  const outcomes = []
  for (const [method, headers] of [['GET', {}], ['GET', { 'API-KEY': key }], ['POST', { 'API-KEY': key }]]) {
    try {
      const path = method === 'GET' ? '/api/v1/me' : '/api/features'
      await fetch(gateway + path, { method, headers, body: method === 'GET' ? undefined : '{}' })
      outcomes.push('read')
    } catch (error) {
      outcomes.push(error.name)
    }
  }
  return outcomes
}

try {
  const page = await browser.newPage()
  await page.goto(listed)
  const found = await page.evaluate(call, { gateway, key })
  await page.goto(stranger)
  found.stranger = await page.evaluate(tryTo, { gateway, key })
  console.log(JSON.stringify(found))
} finally {
  await browser.close()
}
