import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { classes } from "@/lib/classes";
import { credits, day, instant } from "@/lib/format";
import { StateBadge } from "@/ui/state-badge";
import { Favorite } from "./favorite";
import { Preview } from "./preview";
import { type Generation, titleOf } from "./queries";

export function VideoCard({
  video,
  index,
  selected,
  onSelect,
}: {
  video: Generation;
  /** Its place in the list, by which the grid finds it to move the focus. */
  index: number;
  selected: boolean;
  onSelect: (range: boolean) => void;
}) {
  const [pointed, setPointed] = useState(false);
  const [focused, setFocused] = useState(false);
  const spent = video.settled_credits ?? video.quote_credits;
  return (
    <div
      className={classes(
        "relative h-full overflow-hidden rounded-lg border border-border bg-raised hover:border-accent",
        selected && "border-accent ring-2 ring-accent",
      )}
      onPointerEnter={() => setPointed(true)}
      onPointerLeave={() => setPointed(false)}
    >
      <Link
        to="/videos/$id"
        params={{ id: video.id }}
        data-index={index}
        className="flex h-full flex-col -outline-offset-2"
        onFocus={() => setFocused(true)}
        onBlur={() => setFocused(false)}
      >
        <span className="flex aspect-video items-center justify-center overflow-hidden bg-sunken text-sm text-muted">
          <Preview video={video} active={pointed || focused} />
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
      <label className="absolute top-2 left-2 flex size-9 items-center justify-center rounded-md bg-surface">
        <input
          type="checkbox"
          className="size-4 accent-accent"
          aria-label={`Select: ${titleOf(video)}`}
          checked={selected}
          // What the click says, and whether with the shift key, is told by the click alone.
          onChange={() => {}}
          onClick={(event) => onSelect(event.shiftKey)}
        />
      </label>
      <Favorite video={video} className="absolute top-2 right-2" />
    </div>
  );
}
