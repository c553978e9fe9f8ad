import { Refused } from "@/api/problem";
import { contentAddress, deleteVideo, type Generation, generationOf, hasFile, titleOf } from "./queries";

/** What became of one of many. */
export interface Outcome {
  video: Generation;
  /** `kept`: a favorite, or there is nothing to do. */
  result: "done" | "kept" | "refused";
  why?: string;
}

/** How many requests are under way at a time. */
const AT_A_TIME = 4;

/** One act for each, a few at a time; each outcome is told as it comes. None hides another. */
export async function forEach(
  videos: Generation[],
  act: (video: Generation) => Promise<Omit<Outcome, "video">>,
  tell: (outcome: Outcome) => void,
  atATime = AT_A_TIME,
): Promise<void> {
  const waiting = videos.values();
  async function work() {
    for (const video of waiting) {
      const outcome = await act(video).catch(
        (error: unknown): Omit<Outcome, "video"> => ({
          result: "refused",
          why: error instanceof Refused ? error.problem.detail : String(error),
        }),
      );
      tell({ video, ...outcome });
    }
  }
  await Promise.all(Array.from({ length: atATime }, work));
}

/** Asks first what it is by now: somebody may have marked it in another window. */
export async function deleteUnlessFavorite({ id }: Generation): Promise<Omit<Outcome, "video">> {
  const video = await generationOf(id);
  if (video.favorite) return { result: "kept", why: "a favorite" };
  if (video.video && !hasFile(video)) return { result: "kept", why: `its file is ${video.video.state}` };
  await deleteVideo(id);
  return { result: "done" };
}

/** Whole, before the next one begins: a browser refuses many downloads at once. */
export async function save(video: Generation): Promise<Omit<Outcome, "video">> {
  if (!hasFile(video)) return { result: "kept", why: "it has no file" };
  const answer = await fetch(contentAddress(video.id)).catch(() => {
    throw Refused.offline();
  });
  if (!answer.ok) throw new Error(`The gateway answered ${answer.status}.`);
  const address = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = fileName(video);
  link.click();
  // The browser reads it after this.
  window.setTimeout(() => URL.revokeObjectURL(address), 60_000);
  return { result: "done" };
}

/** The beginning of the prompt, and of the id so that no two are alike. */
export function fileName(video: Generation): string {
  const words = titleOf(video).replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");
  return `${words.slice(0, 48)}-${video.id.slice(0, 8)}.mp4`;
}
