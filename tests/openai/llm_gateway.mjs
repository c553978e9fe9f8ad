import { createLLMGateway } from '@llmgateway/ai-sdk-provider'
import { experimental_generateVideo as generateVideo } from 'ai'

globalThis.AI_SDK_LOG_WARNINGS = false
let created
const watching = async (url, options) => {
  if (options?.method === 'POST') {
    created = { body: JSON.parse(options.body), key: new Headers(options.headers).get('idempotency-key') }
  }
  return fetch(url, options)
}
const provider = createLLMGateway({ baseURL: process.env.OPENAI_BASE_URL, apiKey: process.env.OPENAI_API_KEY, fetch: watching })
const asked = { model: provider.videoModel('ray-3'), resolution: '1280x720', duration: 5, poll: { intervalMs: 50 } }
const { video, providerMetadata } = await generateVideo({
  prompt: 'llm gateway 0', generateAudio: false, providerOptions: { llmgateway: { metadata: { cost_centre: '4711' } } }, ...asked,
})
const found = {
  seconds: created.body.seconds,
  audio: created.body.audio,
  key: created.key.startsWith('aisdk_vid_'),
  video: Buffer.from(video.uint8Array).subarray(4, 8).toString(),
  kind: video.mediaType,
  status: providerMetadata.llmgateway.videos[0].status,
}

async function refused(more) {
  try {
    await generateVideo({ prompt: 'llm gateway 1', ...asked, ...more })
  } catch (error) {
    return [error.name, error.statusCode ?? null, error.message.split(':')[0]]
  }
  return 'nothing'
}

const image = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
found.refused = {
  image: await refused({ prompt: { text: 'a wave', image } }),
  last_frame: await refused({ frameImages: [{ image, frameType: 'last_frame' }] }),
  references: await refused({ inputReferences: [image] }),
  audio: await refused({ generateAudio: true }),
  failed: await refused({ prompt: 'llm gateway [sim:fail_later]' }),
}
console.log(JSON.stringify(found))
