import { useEffect, useRef, useState } from "react";
import { Alert } from "./alert.jsx";

const IN_PROGRESS = ["queued", "submitting", "running"];
const SAID = {
  submitting: "Sending it",
  running: "Making your video",
  succeeded: "Your video is ready",
  failed: "No video was made",
  canceled: "Canceled",
  unknown: "It is not known yet whether there is a video",
};

function said({ state, waiting }) {
  if (state !== "queued") return SAID[state];
  if (waiting?.reason === "paused") return "Waiting: an operator has paused the gateway";
  if (waiting?.reason === "upstream_unavailable") return "Waiting until videos can be made again";
  const place = waiting?.queue_position;
  return place > 1 ? `Waiting: number ${place} in the queue` : "Waiting for its turn";
}

const minutes = (seconds) =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

/** The seconds since this generation arrived here. */
function useSecondsSince(generation) {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const began = performance.now();
    const tick = () => setSeconds((performance.now() - began) / 1000);
    tick();
    const timer = setInterval(tick, 1000);
    return () => clearInterval(timer);
  }, [generation]);
  return seconds;
}

function Progress({ generation }) {
  const { elapsed_seconds, p50_seconds, p90_seconds } = generation.progress;
  const elapsed = elapsed_seconds + useSecondsSince(generation);
  return (
    <>
      <progress
        aria-label="Progress"
        max={p90_seconds ?? 1}
        value={p90_seconds === null ? undefined : elapsed}
      />
      <p className="quiet">
        {minutes(elapsed)}
        {p50_seconds !== null && ` · usually ${minutes(p50_seconds)}`}
      </p>
    </>
  );
}

function Cancel({ onCancel }) {
  const [pending, setPending] = useState(false);
  const [problem, setProblem] = useState(null);

  async function onClick() {
    setPending(true);
    setProblem(await onCancel());
    setPending(false);
  }

  return (
    <>
      {problem && <Alert>{problem}</Alert>}
      <button type="button" onClick={onClick} disabled={pending}>
        Cancel
      </button>
    </>
  );
}

function Player({ prompt, video }) {
  if (!video.url) return <Alert>The video is no longer available.</Alert>;
  return (
    <video
      controls
      playsInline
      preload="metadata"
      src={video.url}
      poster={video.state === "archived" ? video.thumbnail_url : undefined}
      aria-label={prompt}
    />
  );
}

export function Result({ wish, generation, trouble, onCancel, onAnother }) {
  const state = generation?.state;
  const busy = !generation || IN_PROGRESS.includes(state);
  const place = useRef(null);
  // The button that was clicked is disabled now and has lost the focus.
  useEffect(() => place.current.focus(), []);
  return (
    <section className="card" aria-label="Your video" tabIndex="-1" ref={place}>
      <p role="status" className="state">
        {generation ? said(generation) : "Sending your request"}
      </p>
      {trouble && <Alert>{trouble}</Alert>}
      {state !== "canceled" && generation?.error && <Alert>{generation.error.message}</Alert>}
      {busy &&
        (state === "running" ? (
          <Progress generation={generation} />
        ) : (
          <progress aria-label="Progress" />
        ))}
      {generation?.video && <Player prompt={wish.prompt} video={generation.video} />}
      {state === "queued" && <Cancel onCancel={onCancel} />}
      {!busy && (
        <div className="row">
          <button type="button" onClick={onAnother}>
            Make another
          </button>
          {generation.video?.url && <a href={`${generation.video.url}&download=1`}>Download</a>}
        </div>
      )}
    </section>
  );
}
