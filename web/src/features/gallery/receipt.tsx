import type { ReactNode } from "react";
import { bytes, credits } from "@/lib/format";
import { Inputs } from "./inputs";
import type { Generation } from "./queries";
import { Tags } from "./tags";
import { Timeline } from "./timeline";

/** What was asked, what came, and what it cost. */
export function Receipt({ video }: { video: Generation }) {
  const { spec, video: file } = video;
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
      </Part>
      <Timeline video={video} />
      <Tags tags={video.metadata} />
      <Inputs inputs={video.inputs} />
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
