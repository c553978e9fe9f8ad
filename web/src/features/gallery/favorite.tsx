import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Star } from "lucide-react";
import { classes } from "@/lib/classes";
import { favoriteMutation, type Generation, titleOf } from "./queries";

/** A mark of this person's own. It spends nothing, so a click is enough. */
export function Favorite({ video, className }: { video: Generation; className?: string }) {
  const queries = useQueryClient();
  const mark = useMutation(favoriteMutation(queries));
  const marked = mark.isPending ? mark.variables.favorite : (video.favorite ?? false);
  return (
    <button
      type="button"
      aria-pressed={marked}
      aria-label={`Favorite: ${titleOf(video)}`}
      title={mark.error ? mark.error.message : marked ? "A favorite" : "Mark as favorite"}
      disabled={mark.isPending}
      onClick={() => mark.mutate({ id: video.id, favorite: !marked })}
      className={classes(
        "inline-flex size-9 items-center justify-center rounded-md bg-surface text-text hover:bg-sunken",
        mark.error && "text-danger",
        className,
      )}
    >
      <Star aria-hidden className={classes("size-4", marked && "fill-current text-accent")} />
    </button>
  );
}
