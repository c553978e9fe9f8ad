import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "@/api/client";
import { Answer } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Badge, Section } from "@/ui/table";
import { overviewQuery } from "./queries";

type State = Schemas["Drain"];

const COUNTS = [
  ["queued", "queued"],
  ["submitting", "being sent"],
  ["running", "running"],
  ["archiving", "not archived yet"],
] as const satisfies readonly (readonly [keyof State, string])[];

/** What stands between now and a gateway that can be stopped, in words. Pure. */
export function verdictOf(of: State): string {
  if (of.drained) return "Nothing is in flight, and nothing more is accepted: safe to stop.";
  if (!of.admission_paused) return "New requests are accepted.";
  if (COUNTS.every(([name]) => of[name] === 0))
    return "Admission was paused less than half a minute ago: a request may still come.";
  return of.submission_paused && of.queued > 0
    ? "Submission is paused, too: what is queued waits until it goes on."
    : "What was accepted is being finished.";
}

/** Stops admitting, and says when nothing goes on any more. */
export function Drain({ onDeed }: { onDeed: (paused: boolean) => void }) {
  const query = useQuery(overviewQuery);
  return (
    <Section title="Drain">
      <Answer query={query} what="what is in flight">
        {({ drain }) => drain && <Draining of={drain} onDeed={onDeed} />}
      </Answer>
    </Section>
  );
}

export function Draining({ of, onDeed }: { of: State; onDeed: (paused: boolean) => void }) {
  const paused = of.admission_paused;
  return (
    <div className="rounded-lg border border-border p-4 text-sm">
      <p className="text-muted">
        Before the gateway is stopped for longer: new requests are refused, with nothing charged, and
        what was accepted is finished. A restart needs no drain, since nothing is lost by one.
      </p>
      <dl className="mt-3 grid grid-cols-2 gap-3 sm:grid-cols-4">
        {COUNTS.map(([name, said]) => (
          <div key={name}>
            <dt className="text-xs text-muted">{said}</dt>
            <dd className="text-xl font-semibold">{of[name]}</dd>
          </div>
        ))}
      </dl>
      <p className="mt-3 flex flex-wrap items-center gap-2">
        <Badge look={of.drained ? "good" : paused ? "warning" : "calm"}>
          {of.drained ? "drained" : paused ? "draining" : "open"}
        </Badge>
        <span role="status">{verdictOf(of)}</span>
      </p>
      <Button className="mt-3" look={paused ? "primary" : "danger"} onClick={() => onDeed(paused)}>
        {paused ? "End the drain" : "Drain the gateway"}
      </Button>
    </div>
  );
}
