import { useEffect, useState } from "react";
import { contentAddress, type Generation, thumbnailAddress } from "./queries";

/** A pointer that only crosses a picture asks for no video. */
const RESTS_MS = 200;

/** The poster, and the video without sound while `active`, for whoever does not mind motion. */
export function Preview({ video, active }: { video: Generation; active: boolean }) {
  const [plays, setPlays] = useState(false);
  useEffect(() => {
    if (!active || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const timer = window.setTimeout(() => setPlays(true), RESTS_MS);
    return () => {
      window.clearTimeout(timer);
      setPlays(false);
    };
  }, [active]);
  if (video.video?.state !== "archived") return <>{placeholder(video)}</>;
  if (plays)
    return (
      <video
        aria-hidden
        muted
        loop
        autoPlay
        playsInline
        tabIndex={-1}
        src={contentAddress(video.id)}
        poster={thumbnailAddress(video.id)}
        className="size-full object-cover"
      />
    );
  return (
    <img
      src={thumbnailAddress(video.id)}
      alt=""
      loading="lazy"
      decoding="async"
      className="size-full object-cover"
    />
  );
}

function placeholder({ state, video }: Generation): string {
  if (video?.state === "deleted") return "Deleted";
  if (video?.state === "lost") return "File lost";
  if (video) return "Being archived";
  return state === "failed" || state === "canceled" ? "No video" : "Not there yet";
}
