import { keywords } from "./literals";
import { factsOf, isOpen, notesOf, secondsOf, type Snippet, sizeOf, type Wish } from "./wish";

/** What of an object is there; undefined if nothing is. */
function some(given: Record<string, unknown>): Record<string, unknown> | undefined {
  const kept = Object.entries(given).filter(([, value]) => value !== undefined);
  return kept.length ? Object.fromEntries(kept) : undefined;
}

export function openai(wish: Wish): Snippet | null {
  const facts = factsOf(wish);
  if (!facts) return null;
  const { aspectRatio, resolution, image, loop } = facts;
  const { user, metadata, callback_url } = wish.body;
  const sized = aspectRatio !== undefined && resolution !== undefined;
  const filled = [...facts.filled];
  // This API has a usual length and a usual size.
  if (isOpen(wish, "duration")) filled.push("duration");
  if (isOpen(wish, "aspect_ratio")) filled.push("aspect_ratio");
  if (isOpen(wish, "resolution") && wish.model.options.some(({ name }) => name === "aspect_ratio"))
    filled.push("resolution");
  const call = keywords({
    model: wish.model.id,
    prompt: facts.prompt,
    seconds: facts.duration?.slice(0, -1),
    size: sized ? sizeOf(aspectRatio, resolution) : undefined,
    extra_body: some({
      ...(sized ? {} : { aspect_ratio: aspectRatio, resolution }),
      loop,
      input_reference: image === undefined ? undefined : { image_url: image },
      user,
      metadata,
      callback_url,
    }),
  });
  const code = `import os
import warnings

from openai import OpenAI

# The SDK warns that OpenAI's own service ends.
warnings.filterwarnings("ignore", message="The Sora API", category=DeprecationWarning)

client = OpenAI(base_url=${JSON.stringify(`${wish.origin}/v1`)}, api_key=os.environ["REELGATE_KEY"])
video = client.videos.create_and_poll(
${call})
if video.status == "failed":
    raise SystemExit(video.error.message)
client.videos.download_content(video.id).write_to_file("video.mp4")
print(video.id, video.status)
`;
  return { id: "openai", title: "openai", code, notes: notesOf(filled) };
}

export function lumaai(wish: Wish): Snippet | null {
  const facts = factsOf(wish);
  if (!facts) return null;
  const { user, metadata, callback_url } = wish.body;
  const filled = [...facts.filled, ...(isOpen(wish, "duration") ? ["duration"] : [])];
  const call = keywords({
    model: wish.model.id,
    prompt: facts.prompt,
    duration: facts.duration,
    aspect_ratio: facts.aspectRatio,
    resolution: facts.resolution,
    loop: facts.loop,
    keyframes: facts.image === undefined ? undefined : { frame0: { type: "image", url: facts.image } },
    callback_url,
    extra_body: some({ user_id: user, metadata }),
  });
  const address = JSON.stringify(`${wish.origin}/dream-machine/v1`);
  const code = `import os
import time
import urllib.request

from lumaai import LumaAI

client = LumaAI(base_url=${address}, auth_token=os.environ["REELGATE_KEY"])
generation = client.generations.create(
${call})
while generation.state not in ("completed", "failed"):
    time.sleep(5)
    generation = client.generations.get(generation.id)
if generation.state == "failed":
    raise SystemExit(generation.failure_reason)
urllib.request.urlretrieve(generation.assets.video, "video.mp4")
print(generation.id, generation.state)
`;
  return { id: "lumaai", title: "lumaai", code, notes: notesOf(filled) };
}

/** Its SDK has no place for what only one provider has, such as a loop, nor for tags. */
export function openrouter(wish: Wish): Snippet | null {
  const facts = factsOf(wish);
  if (!facts || facts.loop || wish.body.metadata !== undefined) return null;
  const { user, callback_url } = wish.body;
  const { aspectRatio, resolution } = facts;
  const sized = aspectRatio !== undefined && resolution !== undefined;
  const filled = [...facts.filled, ...(isOpen(wish, "duration") ? ["duration"] : [])];
  const frame = { type: "image_url", frame_type: "first_frame", image_url: { url: facts.image } };
  const call = keywords({
    model: `${wish.model.provider}/${wish.model.id}`,
    prompt: facts.prompt,
    duration: secondsOf(facts.duration),
    ...(sized
      ? { size: sizeOf(aspectRatio, resolution) }
      : { aspect_ratio: aspectRatio, resolution }),
    frame_images: facts.image === undefined ? undefined : [frame],
    callback_url,
    user,
  });
  const code = `import os
import time

from openrouter import OpenRouter

client = OpenRouter(
    api_key=os.environ["REELGATE_KEY"],
    server_url=${JSON.stringify(`${wish.origin}/openrouter/api/v1`)},
)
video = client.video_generation.generate(
${call})
while video.status in ("pending", "in_progress"):
    time.sleep(5)
    video = client.video_generation.get_generation(job_id=video.id)
if video.status != "completed":
    raise SystemExit(video.error)
content = client.video_generation.get_video_content(job_id=video.id)
with open("video.mp4", "wb") as file:
    file.write(content.read())
print(video.id, video.status)
`;
  const notes = notesOf(filled);
  if (facts.loop === false) notes.push("This SDK has no place for loop, so it is left open.");
  return { id: "openrouter", title: "OpenRouter", code, notes };
}
