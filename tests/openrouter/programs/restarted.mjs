import dns from 'node:dns'
import { createOpenRouter } from '@openrouter/ai-sdk-provider'
import { experimental_generateVideo as generateVideo } from 'ai'

const lookup = dns.lookup
dns.lookup = (name, ...more) => lookup(name === process.env.NAME ? '127.0.0.1' : name, ...more)
let creates = 0
const counting = (url, options) => {
  creates += options?.method === 'POST' ? 1 : 0
  return fetch(url, options)
}
const provider = createOpenRouter({ baseURL: process.env.BASE_URL, fetch: counting })
const { video, providerMetadata } = await generateVideo({
  model: provider.videoModel('luma/ray-v3', { pollIntervalMs: 50 }),
  prompt: process.argv[2],
  aspectRatio: '1:1',
  maxRetries: 10,
})
const found = { id: providerMetadata.openrouter.generationId, repeated: creates > 1 }
console.log(JSON.stringify({ ...found, video: Buffer.from(video.uint8Array).subarray(4, 8).toString() }))
