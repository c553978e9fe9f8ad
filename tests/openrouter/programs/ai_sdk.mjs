import dns from 'node:dns'
import { createOpenRouter } from '@openrouter/ai-sdk-provider'
import { experimental_generateVideo as generateVideo } from 'ai'

globalThis.AI_SDK_LOG_WARNINGS = false
// The AI SDK downloads from no address of a private network that it can see: the gateway has a name.
const lookup = dns.lookup
dns.lookup = (name, ...more) => lookup(name === process.env.NAME ? '127.0.0.1' : name, ...more)
let creates = 0
const counting = (url, options) => {
  creates += options?.method === 'POST' ? 1 : 0
  return fetch(url, options)
}
const provider = createOpenRouter({ baseURL: process.env.BASE_URL, fetch: counting })
const model = provider.videoModel('luma/ray-v3', { pollIntervalMs: 50 })
const asked = { model, aspectRatio: '1:1', resolution: '720x720', duration: 5 }
const { video, providerMetadata } = await generateVideo({
  prompt: 'ai sdk openrouter 0',
  providerOptions: { openrouter: { user: 'reader-3', provider: { options: { luma: { parameters: { loop: true } } } } } },
  ...asked,
})
const found = {
  video: Buffer.from(video.uint8Array).subarray(4, 8).toString(),
  kind: video.mediaType,
  id: typeof providerMetadata.openrouter.generationId,
  creates,
}

async function refused(more) {
  creates = 0
  try {
    await generateVideo({ prompt: 'ai sdk openrouter 1', ...asked, ...more })
  } catch (error) {
    return [error.name, error.statusCode ?? null, error.message, creates]
  }
  return 'nothing'
}

const image = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
const began = await generateVideo({
  ...asked, prompt: { text: 'a wave', image }, providerOptions: { openrouter: { user: 'reader-4' } },
})
found.begun = Buffer.from(began.video.uint8Array).subarray(4, 8).toString()
found.refused = {
  seed: await refused({ seed: 7 }),
  failed: await refused({ prompt: 'ai sdk openrouter [sim:fail_later]' }),
}
console.log(JSON.stringify(found))
