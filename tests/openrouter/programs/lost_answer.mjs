import { OpenRouter } from '@openrouter/sdk'

const client = new OpenRouter({ apiKey: process.env.OPENROUTER_API_KEY, serverURL: process.env.BASE_URL })
const made = await client.videoGeneration.generate(
  { videoGenerationRequest: { model: 'luma/ray-v3', prompt: process.argv[2], aspectRatio: '1:1' } },
  { timeoutMs: 2000, headers: { Prefer: 'wait=100' } },
)
console.log(JSON.stringify({ id: made.id, raised: 0 }))
