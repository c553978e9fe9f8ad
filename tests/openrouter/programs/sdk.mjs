import { setTimeout } from 'node:timers/promises'
import { OpenRouter } from '@openrouter/sdk'

const serverURL = process.env.BASE_URL
const of = (apiKey) => new OpenRouter({ apiKey, serverURL }).videoGeneration
const videos = of(process.env.OPENROUTER_API_KEY)
const generate = (videoGenerationRequest, client = videos) => client.generate({ videoGenerationRequest })

const { data: models } = await videos.listVideosModels({})
const model = models.find((each) => each.id === 'luma/ray-v3')
const found = { durations: model.supportedDurations, seed: model.seed }
const asked = { model: model.id, duration: 5, aspectRatio: '1:1' }

async function finished(video) {
  while (['pending', 'in_progress'].includes(video.status)) {
    await setTimeout(50)
    video = await videos.getGeneration({ jobId: video.id })
  }
  return video
}

const made = await generate({ prompt: 'sdk openrouter node 0', user: 'reader-2', ...asked })
found.accepted = [made.status, made.pollingUrl === `${serverURL}/videos/${made.id}`]
const video = await finished(made)
found.state = [video.status, video.generationId === made.id, video.usage.isByok]
const stream = await videos.getVideoContent({ jobId: video.id, index: 0 })
const content = Buffer.from(await new Response(stream).arrayBuffer())
found.video = content.subarray(4, 8).toString()
found.urls = []
for (const url of video.unsignedUrls) {
  found.urls.push(content.equals(Buffer.from(await (await fetch(url)).arrayBuffer())))
}

async function refused(call) {
  try {
    await call()
  } catch (error) {
    return [error.constructor.name, error.statusCode, JSON.parse(error.body).error.metadata.code]
  }
  return 'nothing'
}

const again = { prompt: 'sdk openrouter node again', ...asked }
const unknown = '00000000-0000-4000-8000-000000000000'
const busy = of(process.env.BUSY_KEY)
const limit = await refused(() => generate(again, busy))
found.refused = {
  seed: await refused(() => generate({ ...again, seed: 0 })),
  size: await refused(() => generate({ ...again, size: '1x1' })),
  unknown: await refused(() => videos.getGeneration({ jobId: unknown })),
  key: await refused(() => of('rg_nobody').getGeneration({ jobId: unknown })),
  credits: await refused(() => generate(again, of(process.env.POOR_KEY))),
  limit,
}
console.log(JSON.stringify(found))
