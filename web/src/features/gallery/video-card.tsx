import { Link } from "@tanstack/react-router";
import { credits, day, instant } from "@/lib/format";
import { StateBadge } from "@/ui/state-badge";
import { type Generation, thumbnailAddress, titleOf } from "./queries";

export function VideoCard({ video }: { video: Generation }) {
  const spent = video.settled_credits ?? video.quote_credits;
  return (
    <Link
      to="/videos/$id"
      params={{ id: video.id }}
      className="flex h-full flex-col overflow-hidden rounded-lg border border-border bg-raised hover:border-accent"
    >
      <span className="flex aspect-video items-center justify-center overflow-hidden bg-sunken text-sm text-muted">
        {video.video?.state === "archived" ? (
          <img
            src={thumbnailAddress(video.id)}
            alt=""
            loading="lazy"
            decoding="async"
            className="size-full object-cover"
          />
        ) : (
          placeholder(video)
        )}
      </span>
      <span className="flex min-h-0 flex-1 flex-col gap-1 p-3">
        <span className="line-clamp-2 text-sm leading-snug font-medium">{titleOf(video)}</span>
        <span className="mt-auto flex items-center justify-between gap-2 text-xs text-muted">
          <StateBadge state={video.state} />
          <span className="truncate" title={`${instant(video.created_at)}, ${credits(spent)} credits`}>
            {day(video.created_at)} · {credits(spent)}
          </span>
        </span>
      </span>
    </Link>
  );
}

function placeholder({ state, video }: Generation): string {
  if (video?.state === "deleted") return "Deleted";
  if (video?.state === "lost") return "File lost";
  if (video) return "Being archived";
  return state === "failed" || state === "canceled" ? "No video" : "Not there yet";
}
