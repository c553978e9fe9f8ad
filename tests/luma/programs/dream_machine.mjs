import { setTimeout } from 'node:timers/promises'
import LumaAI from 'lumaai'

let sent = 0
const counting = (...call) => {
  sent += 1
  return fetch(...call)
}
const client = new LumaAI({ fetch: counting })
const found = { ping: (await client.ping.check()).message }
found.before = (await client.credits.get()).credit_balance

async function finished(generation) {
  while (!['completed', 'failed'].includes(generation.state)) {
    await setTimeout(50)
    generation = await client.generations.get(generation.id)
  }
  return generation
}

const asked = { model: 'ray-2', duration: '9s', resolution: '540p', aspect_ratio: '1:1' }
const creating = client.generations.create({ prompt: 'sdk node 0', user_id: 'reader-2', metadata: { cost_centre: '4711' }, ...asked })
const { data, response } = await creating.withResponse()
found.adjusted = response.headers.get('reelgate-adjusted')
found.request = [data.request.generation_type, data.request.duration, data.request.resolution]
const other = await client.generations.video.create({ prompt: 'sdk node 1', model: 'ray-2' })
const first = await finished(data)
found.states = [first.state, (await finished(other)).state]
const video = Buffer.from(await (await fetch(first.assets.video)).arrayBuffer())
found.video = video.subarray(4, 8).toString()

const ids = []
for (let offset = 0, more = true; more; ) {
  const page = await client.generations.list({ limit: 1, offset })
  ids.push(...page.generations.map((each) => each.id))
  offset += page.count
  more = page.has_more
}
found.listed = JSON.stringify(ids) === JSON.stringify([other.id, first.id])
found.concepts = await client.generations.concepts.list()
await client.generations.delete(first.id)
found.after = 'assets' in (await client.generations.get(first.id))

async function refused(call) {
  sent = 0
  try {
    await call()
  } catch (error) {
    return [error.constructor.name, error.status, error.error.code, sent]
  }
  return 'nothing'
}

const running = await client.generations.create({ prompt: 'sdk node [sim:never_finish]', model: 'ray-2' })
while ((await client.generations.get(running.id)).state === 'queued') await setTimeout(50)
const with_key = (authToken, options = {}) => new LumaAI({ authToken, fetch: counting, ...options })
const again = { model: 'ray-2', prompt: 'sdk node again' }
const busy = with_key(process.env.BUSY_KEY, { maxRetries: 0 })
const limit = await refused(() => busy.generations.create(again))
found.refused = {
  model: await refused(() => client.generations.create({ model: 'ray-9', prompt: 'x' })),
  upscale: await refused(() => client.generations.upscale(running.id, {})),
  unknown: await refused(() => client.generations.get('00000000-0000-4000-8000-000000000000')),
  key: await refused(() => with_key('rg_nobody').ping.check()),
  running: await refused(() => client.generations.delete(running.id)),
  credits: await refused(() => with_key(process.env.POOR_KEY).generations.create(again)),
  limit,
}
console.log(JSON.stringify(found))
