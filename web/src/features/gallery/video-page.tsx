import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { Download, Trash2 } from "lucide-react";
import { useState } from "react";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/confirm";
import { Copy } from "@/ui/copy";
import { Failure, Loading } from "@/ui/notices";
import { StateBadge } from "@/ui/state-badge";
import { Favorite } from "./favorite";
import {
  contentAddress,
  deleted,
  deleteMutation,
  type Generation,
  generationQuery,
  thumbnailAddress,
  titleOf,
} from "./queries";
import { Receipt } from "./receipt";
import { Share } from "./share";

export function VideoPage() {
  const { id } = useParams({ from: "/inside/videos/$id" });
  const { data: video, error, refetch } = useQuery(generationQuery(id));
  return (
    <>
      <Link to="/videos" className="text-sm text-accent underline">
        All videos
      </Link>
      {video ? (
        <Whole video={video} />
      ) : error ? (
        <Failure error={error} retry={() => void refetch()} />
      ) : (
        <Loading what="the video" />
      )}
    </>
  );
}

function Whole({ video }: { video: Generation }) {
  const file = video.video;
  const playable = file && (file.state === "archived" || file.state === "pending");
  return (
    <article className="mt-3 grid gap-6 lg:grid-cols-[minmax(0,2fr)_minmax(18rem,1fr)]">
      <div className="min-w-0">
        {playable ? (
          <video
            controls
            playsInline
            preload="metadata"
            src={contentAddress(video.id)}
            poster={file.state === "archived" ? thumbnailAddress(video.id) : undefined}
            className="max-h-[75dvh] w-full rounded-lg bg-sunken"
          />
        ) : (
          <Absent video={video} />
        )}
        <h1 className="mt-4 text-lg font-semibold break-words">{titleOf(video)}</h1>
        <div className="mt-2 flex flex-wrap items-center gap-2">
          <StateBadge state={video.state} />
          <Favorite video={video} />
          <Copy what="id" text={video.id} />
        </div>
        <Button asChild className="mt-4">
          <Link to="/play" search={{ from: video.id }}>
            Make again
          </Link>
        </Button>
        {playable && (
          <div className="mt-4 flex flex-wrap items-center gap-2">
            <Button asChild>
              <a href={`${contentAddress(video.id)}?download=true`}>
                <Download aria-hidden className="size-4" /> Download
              </a>
            </Button>
            <Share video={video} />
            <Delete video={video} />
          </div>
        )}
      </div>
      <Receipt video={video} />
    </article>
  );
}

function Absent({ video }: { video: Generation }) {
  const { error, progress, video: file, waiting } = video;
  const ahead = waiting?.queue_position;
  return (
    <div className="flex aspect-video flex-col items-center justify-center rounded-lg bg-sunken p-6 text-center">
      <p className="font-medium">
        {error?.message ??
          (file ? `The file is ${file.state}.` : ahead ? `Number ${ahead} in the queue` : "On its way")}
      </p>
      {!error && !file && (
        <p className="mt-1 text-sm text-muted">
          {progress.p50_seconds
            ? `Half of the similar ones took at most ${Math.round(progress.p50_seconds)} s. `
            : ""}
          You can close this page: the video arrives anyway.
        </p>
      )}
    </div>
  );
}

function Delete({ video }: { video: Generation }) {
  const [asked, setAsked] = useState(false);
  const queries = useQueryClient();
  const remove = useMutation({
    ...deleteMutation(video.id),
    onSuccess: async () => {
      deleted(queries, video);
      await queries.invalidateQueries({ queryKey: ["generations"] });
      setAsked(false);
    },
  });
  return (
    <>
      <Button look="danger" onClick={() => setAsked(true)}>
        <Trash2 aria-hidden className="size-4" /> Delete
      </Button>
      {asked && (
        <Confirm
          title="Delete this video for ever?"
          act="Delete"
          pending={remove.isPending}
          error={remove.error}
          onConfirm={() => remove.mutate()}
          onClose={() => setAsked(false)}
        >
          The file goes, and nobody can bring it back. What was asked and what it cost stays. Nothing
          is paid back.
        </Confirm>
      )}
    </>
  );
}
