import { useQueryClient } from "@tanstack/react-query";
import { Download, Trash2, X } from "lucide-react";
import { useState } from "react";
import { Button } from "@/ui/button";
import { CloseButton, Dialog } from "@/ui/dialog";
import { deleteUnlessFavorite, forEach, type Outcome, save } from "./bulk";
import { deleted, type Generation, hasFile, titleOf } from "./queries";

type Deed = "delete" | "download";

const DEEDS = {
  delete: { act: deleteUnlessFavorite, atATime: 4, did: "deleted" },
  download: { act: save, atATime: 1, did: "downloaded" },
} as const;

/** What can be done with all that is selected. */
export function BulkBar({ videos, onClear }: { videos: Generation[]; onClear: () => void }) {
  const [deed, setDeed] = useState<{ what: Deed; videos: Generation[] } | null>(null);
  const start = (what: Deed) => setDeed({ what, videos });
  return (
    <div
      role="region"
      aria-label="Selected videos"
      className="sticky bottom-3 z-10 mt-4 flex flex-wrap items-center gap-2 rounded-lg border border-border bg-surface p-2 shadow-lg"
    >
      <p role="status" className="px-2 text-sm font-medium">
        {videos.length} selected
      </p>
      <Button onClick={() => start("download")}>
        <Download aria-hidden className="size-4" /> Download
      </Button>
      <Button look="danger" onClick={() => start("delete")}>
        <Trash2 aria-hidden className="size-4" /> Delete
      </Button>
      <Button look="quiet" onClick={onClear}>
        <X aria-hidden className="size-4" /> Select none
      </Button>
      {deed && (
        <BulkDeed
          what={deed.what}
          videos={deed.videos}
          onClose={(done) => {
            setDeed(null);
            if (done) onClear();
          }}
        />
      )}
    </div>
  );
}

/** Asks first, then shows each answer as it comes, and what became of all in the end. */
export function BulkDeed({
  what,
  videos,
  onClose,
}: {
  what: Deed;
  videos: Generation[];
  onClose: (done: boolean) => void;
}) {
  const queries = useQueryClient();
  const [outcomes, setOutcomes] = useState<Outcome[] | null>(null);
  const { act, atATime, did } = DEEDS[what];
  const favorites = videos.filter((video) => video.favorite).length;
  const without = videos.filter((video) => !hasFile(video)).length;
  const over = outcomes?.length === videos.length;

  async function start() {
    setOutcomes([]);
    await forEach(
      videos,
      act,
      (outcome) => {
        if (what === "delete" && outcome.result === "done") deleted(queries, outcome.video);
        setOutcomes((known) => [...(known ?? []), outcome]);
      },
      atATime,
    );
  }

  return (
    <Dialog
      title={
        <>
          {what === "delete" ? "Delete" : "Download"} {videos.length}{" "}
          {videos.length === 1 ? "video" : "videos"}
          {outcomes ? "" : "?"}
        </>
      }
      className="w-[min(32rem,calc(100vw-2rem))]"
      onCancel={(event) => {
        // Closing it would not stop what is under way.
        if (outcomes && !over) event.preventDefault();
      }}
      onClose={() => onClose(over)}
    >
      <div className="mt-2 space-y-2 text-sm text-muted">
        {!outcomes && what === "delete" && (
          <p>The files are deleted for good; the records and what they cost stay.</p>
        )}
        {!outcomes && what === "delete" && favorites > 0 && (
          <p className="font-medium text-text">
            {favorites === 1 ? "1 is a favorite and is kept." : `${favorites} are favorites and are kept.`}
          </p>
        )}
        {!outcomes && without > 0 && (
          <p>{without === 1 ? "1 has no file." : `${without} have no file.`}</p>
        )}
        {outcomes && (
          <>
            <progress
              aria-label="Progress"
              className="w-full accent-accent"
              value={outcomes.length}
              max={videos.length}
            />
            <p role="status">{summary(outcomes, did, videos.length)}</p>
            <ul className="max-h-60 space-y-1 overflow-y-auto">
              {outcomes
                .filter((one) => one.result !== "done")
                .map(({ video, result, why }) => (
                  <li key={video.id} className={result === "refused" ? "text-danger" : ""}>
                    {titleOf(video)}: {result === "kept" ? "kept" : "not " + did}, {why}
                  </li>
                ))}
            </ul>
          </>
        )}
      </div>
      <div className="mt-5 flex justify-end gap-2">
        {outcomes ? (
          <CloseButton disabled={!over}>
            Close
          </CloseButton>
        ) : (
          <>
            <CloseButton>Cancel</CloseButton>
            <Button look={what === "delete" ? "danger" : "primary"} onClick={() => void start()}>
              {what === "delete" ? "Delete" : "Download"}
            </Button>
          </>
        )}
      </div>
    </Dialog>
  );
}

export function summary(outcomes: Outcome[], did: string, all: number): string {
  const count = (result: Outcome["result"]) =>
    outcomes.filter((outcome) => outcome.result === result).length;
  const parts = [
    `${count("done")} ${did}`,
    count("kept") > 0 && `${count("kept")} left as they are`,
    count("refused") > 0 && `${count("refused")} refused`,
  ].filter(Boolean);
  return `${outcomes.length} of ${all}: ${parts.join(", ")}.`;
}
