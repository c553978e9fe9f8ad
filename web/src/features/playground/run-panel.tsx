import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Download } from "lucide-react";
import { useEffect, useState } from "react";
import { contentAddress, type Generation, generationQuery, thumbnailAddress } from "@/features/gallery/queries";
import { bytes, credits, seconds } from "@/lib/format";
import { Answer } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Copy } from "@/ui/copy";
import { FactRow } from "@/ui/facts";
import { Failure } from "@/ui/notices";
import { Moment } from "@/ui/moment";
import { StateBadge } from "@/ui/state-badge";
import { cancelMutation } from "./queries";

/** What becomes of a request, from the moment it is accepted. Events tell it to look again. */
export function RunPanel({ id }: { id: string }) {
  const query = useQuery(generationQuery(id));
  return (
    <Answer query={query} what="the video">
      {(made) => <Run made={made} seenAt={query.dataUpdatedAt} />}
    </Answer>
  );
}

function Run({ made, seenAt }: { made: Generation; seenAt: number }) {
  const file = made.video;
  const playable = file && (file.state === "archived" || file.state === "pending");
  return (
    <>
      {/* Of each state once; what ticks is below, so that nobody is read seconds aloud. */}
      <p role="status" className="flex flex-wrap items-center gap-2 text-sm">
        <StateBadge state={made.state} />
        <span>{sentence(made)}</span>
      </p>
      {playable ? (
        <video
          key={made.id}
          controls
          playsInline
          preload="metadata"
          aria-label={`Video: ${made.spec.prompt ?? made.spec.model}`}
          src={contentAddress(made.id)}
          poster={file.state === "archived" ? thumbnailAddress(made.id) : undefined}
          className="mt-3 aspect-video max-h-[70dvh] w-full rounded-lg bg-sunken object-contain"
        />
      ) : (
        <Waiting made={made} seenAt={seenAt} />
      )}
      {made.state === "failed" || made.state === "unknown" ? <Failed made={made} /> : null}
      <div className="mt-3 flex flex-wrap items-center gap-2">
        {playable && (
          <Button asChild>
            <a href={`${contentAddress(made.id)}?download=true`}>
              <Download aria-hidden className="size-4" /> Download
            </a>
          </Button>
        )}
        <Button asChild>
          <Link to="/videos/$id" params={{ id: made.id }}>
            Open in Videos
          </Link>
        </Button>
        {made.state === "queued" && <Cancel id={made.id} />}
        <Copy what="id" text={made.id} />
      </div>
      <Facts made={made} />
      <details className="mt-3 text-sm">
        <summary className="font-medium">Raw answer</summary>
        <pre
          tabIndex={0}
          aria-label="Raw answer"
          role="region"
          className="mt-2 max-h-96 overflow-auto rounded-lg bg-sunken p-3 font-mono text-xs"
        >
          {JSON.stringify(made, null, 2)}
        </pre>
      </details>
    </>
  );
}

function sentence({ state, waiting, video }: Generation): string {
  switch (state) {
    case "queued":
      if (waiting?.reason === "paused") return "An operator has paused submissions.";
      if (waiting?.reason === "upstream_unavailable") return "1min.ai cannot be used at the moment.";
      return waiting?.queue_position ? `Number ${waiting.queue_position} in the queue.` : "Next to be sent.";
    case "submitting":
      return "Being sent.";
    case "running":
      return "Being made.";
    case "succeeded":
      return video?.state === "archived" ? "It is there, and kept." : "It is there, and being archived.";
    case "canceled":
      return "It was never sent, and costs nothing.";
    case "failed":
      return "There is no video.";
    default:
      return "Nobody knows yet what became of it.";
  }
}

/** Elapsed against what is typical. The clock is that of the gateway, carried on by this one. */
function Waiting({ made, seenAt }: { made: Generation; seenAt: number }) {
  const { progress, state, finished_at } = made;
  const sent = state === "running" || state === "submitting";
  const now = useNow(sent);
  if (finished_at !== null || state === "unknown") return null;
  const elapsed = sent ? progress.elapsed_seconds + Math.max(0, now - seenAt) / 1000 : 0;
  const { p50_seconds: half, p90_seconds: most } = progress;
  return (
    <div className="mt-3 rounded-lg bg-sunken p-4 text-sm">
      {sent && (
        <>
          <p className="font-medium">{seconds(elapsed)}</p>
          {most !== null && (
            <progress
              aria-label="Elapsed, against the time in which nine in ten are made"
              className="mt-2 h-1.5 w-full accent-accent"
              max={most}
              value={Math.min(elapsed, most)}
            />
          )}
        </>
      )}
      <p className="text-muted">
        {half !== null && `Half of the similar ones took at most ${seconds(half)}`}
        {half !== null && (most !== null ? `, nine in ten ${seconds(most)}. ` : ". ")}
        You can close this tab: the video arrives anyway, and is among your videos.
      </p>
    </div>
  );
}

function useNow(ticking: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!ticking) return;
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, [ticking]);
  return now;
}

/** What happened, whether it cost anything, and whether to send it again. */
function Failed({ made }: { made: Generation }) {
  const unknown = made.state === "unknown";
  const billed = made.settled_credits ?? 0;
  return (
    <div className="mt-3 rounded-lg border border-danger bg-danger-soft p-4 text-sm">
      <p className="font-semibold">{made.error?.message}</p>
      <p className="mt-1">
        {unknown
          ? "Its credits stay reserved. The gateway is finding out, and never sends it twice: do not send it again before that, or you may pay for two."
          : billed > 0
            ? `${credits(billed)} credits were billed for it. Sent again, it is paid once more.`
            : "Nothing was billed. It is safe to send it again."}
      </p>
      {made.error && <p className="mt-1 font-mono text-xs">{made.error.code}</p>}
    </div>
  );
}

function Cancel({ id }: { id: string }) {
  const queries = useQueryClient();
  const cancel = useMutation({
    ...cancelMutation(id),
    onSettled: () => queries.invalidateQueries({ queryKey: ["generations"] }),
  });
  return (
    <>
      <Button disabled={cancel.isPending} onClick={() => cancel.mutate()}>
        Cancel
      </Button>
      {cancel.error ? (
        <div className="basis-full">
          <Failure error={cancel.error} />
        </div>
      ) : null}
    </>
  );
}

function Facts({ made }: { made: Generation }) {
  const file = made.video;
  return (
    <dl className="mt-3 divide-y divide-border rounded-lg border border-border bg-raised px-3 text-sm">
      <FactRow name="Accepted">
        <Moment at={made.created_at} />
      </FactRow>
      {made.submitted_at && (
        <FactRow name="Sent">
          <Moment at={made.submitted_at} />
        </FactRow>
      )}
      {made.finished_at && (
        <FactRow name="Ended">
          <Moment at={made.finished_at} />
        </FactRow>
      )}
      {file?.archived_at && (
        <FactRow name="Archived">
          <Moment at={file.archived_at} />
        </FactRow>
      )}
      <FactRow name="Cost">
        {made.settled_credits === null
          ? `${credits(made.quote_credits)} credits ${made.state === "canceled" ? "given back" : "held"}`
          : `${credits(made.settled_credits)} credits`}
      </FactRow>
      {made.finished_at && made.submitted_at && (
        <FactRow name="Took">{seconds(made.progress.elapsed_seconds)}</FactRow>
      )}
      {file?.width && file.height && (
        <FactRow name="Picture">
          {file.width} × {file.height}
          {file.duration_seconds !== null && `, ${file.duration_seconds.toFixed(1)} s`}
        </FactRow>
      )}
      {file?.size_bytes && <FactRow name="Size">{bytes(file.size_bytes)}</FactRow>}
      {file?.sha256 && (
        <>
          <FactRow name="As asked">{file.mismatch ?? "yes"}</FactRow>
          <FactRow name="SHA-256">
            <code className="font-mono text-xs break-all">{file.sha256}</code>
          </FactRow>
        </>
      )}
    </dl>
  );
}
