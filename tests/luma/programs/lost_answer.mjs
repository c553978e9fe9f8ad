import { setTimeout } from 'node:timers/promises'
import LumaAI from 'lumaai'

const client = new LumaAI({ timeout: 3000, maxRetries: 6 })
const asked = { prompt: process.argv[3], model: 'ray-2', aspect_ratio: '1:1' }
let made = await client.generations.create(asked)
while (made.state !== 'completed') {
  await setTimeout(50)
  made = await client.generations.get(made.id, { timeout: 60000 })
}
console.log(made.id)
