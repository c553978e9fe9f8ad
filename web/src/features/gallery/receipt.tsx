import type { ReactNode } from "react";
import { bytes, credits } from "@/lib/format";
import { FactRow } from "@/ui/facts";
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
        <FactRow name="Price">{credits(video.quote_credits)} credits</FactRow>
        <FactRow name="Settled">{settled(video)}</FactRow>
      </Part>
      <Part title="Asked">
        <FactRow name="Model">{spec.model}</FactRow>
        <FactRow name="Duration">{spec.duration ?? "left open"}</FactRow>
        <FactRow name="Aspect ratio">{spec.aspect_ratio ?? "left open"}</FactRow>
        <FactRow name="Resolution">{spec.resolution ?? "left open"}</FactRow>
        <FactRow name="Loop">{spec.loop === null ? "left open" : spec.loop ? "yes" : "no"}</FactRow>
        <FactRow name="Through">{video.dialect}</FactRow>
      </Part>
      <Timeline video={video} />
      <Tags tags={video.metadata} />
      <Inputs inputs={video.inputs} />
      {file && (
        <Part title="File">
          <FactRow name="Kept">{file.state}</FactRow>
          {file.width && file.height && (
            <FactRow name="Picture">
              {file.width} × {file.height}, {file.codec}
            </FactRow>
          )}
          {file.duration_seconds && <FactRow name="Length">{file.duration_seconds.toFixed(1)} s</FactRow>}
          {file.size_bytes && <FactRow name="Size">{bytes(file.size_bytes)}</FactRow>}
          <FactRow name="As asked">{file.mismatch ?? "yes"}</FactRow>
          {file.sha256 && (
            <FactRow name="SHA-256">
              <code className="font-mono text-xs break-all">{file.sha256}</code>
            </FactRow>
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
