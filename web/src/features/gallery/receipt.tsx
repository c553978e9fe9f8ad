import type { ReactNode } from "react";
import { bytes, credits, instant, seconds } from "@/lib/format";
import type { Generation } from "./queries";

/** What was asked, what came, and what it cost. */
export function Receipt({ video }: { video: Generation }) {
  const { spec, video: file, progress } = video;
  return (
    <aside aria-label="Receipt" className="min-w-0 space-y-5 text-sm">
      <Part title="Cost">
        <Row name="Price">{credits(video.quote_credits)} credits</Row>
        <Row name="Settled">{settled(video)}</Row>
      </Part>
      <Part title="Asked">
        <Row name="Model">{spec.model}</Row>
        <Row name="Duration">{spec.duration ?? "left open"}</Row>
        <Row name="Aspect ratio">{spec.aspect_ratio ?? "left open"}</Row>
        <Row name="Resolution">{spec.resolution ?? "left open"}</Row>
        <Row name="Loop">{spec.loop === null ? "left open" : spec.loop ? "yes" : "no"}</Row>
        <Row name="Through">{video.dialect}</Row>
        {Object.entries(video.metadata).map(([tag, value]) => (
          <Row key={tag} name={tag}>
            {value}
          </Row>
        ))}
      </Part>
      <Part title="Times">
        <Row name="Accepted">
          <Instant iso={video.created_at} />
        </Row>
        <Row name="Sent">{video.submitted_at ? <Instant iso={video.submitted_at} /> : "not yet"}</Row>
        <Row name="Ended">{video.finished_at ? <Instant iso={video.finished_at} /> : "not yet"}</Row>
        <Row name="Took">{progress.elapsed_seconds ? seconds(progress.elapsed_seconds) : "–"}</Row>
      </Part>
      {file && (
        <Part title="File">
          <Row name="Kept">{file.state}</Row>
          {file.width && file.height && (
            <Row name="Picture">
              {file.width} × {file.height}, {file.codec}
            </Row>
          )}
          {file.duration_seconds && <Row name="Length">{file.duration_seconds.toFixed(1)} s</Row>}
          {file.size_bytes && <Row name="Size">{bytes(file.size_bytes)}</Row>}
          <Row name="As asked">{file.mismatch ?? "yes"}</Row>
          {file.sha256 && (
            <Row name="SHA-256">
              <code className="font-mono text-xs break-all">{file.sha256}</code>
            </Row>
          )}
        </Part>
      )}
    </aside>
  );
}

export function settled({ settled_credits, state }: Generation): string {
  if (settled_credits !== null) return `${credits(settled_credits)} credits`;
  if (state === "unknown") return "held: nobody knows yet whether it was billed";
  return state === "failed" || state === "canceled" ? "nothing" : "held until it ends";
}

function Instant({ iso }: { iso: string }) {
  return (
    <time dateTime={iso} title={iso}>
      {instant(iso)}
    </time>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h2 className="mb-1 text-xs font-semibold tracking-wide text-muted uppercase">{title}</h2>
      <dl className="divide-y divide-border rounded-lg border border-border bg-raised px-3">
        {children}
      </dl>
    </section>
  );
}

function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex justify-between gap-4 py-1.5">
      <dt className="text-muted">{name}</dt>
      <dd className="min-w-0 text-right">{children}</dd>
    </div>
  );
}
