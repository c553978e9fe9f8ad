import { instant, seconds } from "@/lib/format";
import type { Generation } from "./queries";

interface Step {
  what: string;
  at: string;
  /** Since the step before. */
  after: number | null;
}

/** What happened when, in order, with how long each step took. What has not happened is left out. */
export function steps(video: Generation): Step[] {
  const { created_at, submitted_at, finished_at, state } = video;
  const happened: [string, string | null | undefined][] = [
    ["Accepted", created_at],
    ["Sent", submitted_at],
    [state === "unknown" ? "Unknown" : state.charAt(0).toUpperCase() + state.slice(1), finished_at],
    ["Archived", video.video?.archived_at],
  ];
  const found = happened.flatMap(([what, at]) => (at ? [{ what, at }] : []));
  return found.map(({ what, at }, number) => {
    const before = found[number - 1];
    return { what, at, after: before ? (Date.parse(at) - Date.parse(before.at)) / 1000 : null };
  });
}

export function Timeline({ video }: { video: Generation }) {
  const done = steps(video);
  const over = ["succeeded", "failed", "canceled"].includes(video.state);
  return (
    <section>
      <h2 className="mb-1 text-xs font-semibold tracking-wide text-muted uppercase">Timeline</h2>
      <ol className="rounded-lg border border-border bg-raised px-3 py-1">
        {done.map(({ what, at, after }) => (
          <li key={what} className="flex justify-between gap-4 py-1">
            <span>
              {what}
              {after !== null && <span className="text-muted"> after {seconds(after)}</span>}
            </span>
            <time dateTime={at} title={at} className="text-right">
              {instant(at)}
            </time>
          </li>
        ))}
        {!over && <li className="py-1 text-muted">{video.state} …</li>}
      </ol>
    </section>
  );
}
