import { useQuery } from "@tanstack/react-query";
import { Answer } from "@/ui/answer";
import { Moment } from "@/ui/moment";
import { Sheet } from "@/ui/sheet";
import { type Attempt, attemptsQuery, type Delivery, type Scope } from "./queries";

/** Each attempt of a delivery; one's own with what was sent and what came back. */
export function Attempts({
  of,
  scope,
  onClose,
}: {
  of: Delivery;
  scope: Scope;
  onClose: () => void;
}) {
  const query = useQuery(attemptsQuery(of.id, scope));
  return (
    <Sheet title={`Attempts to deliver ${of.type}`} onClose={onClose}>
      <Answer query={query} what="the attempts">
        {({ attempts }) => <AttemptList attempts={attempts} />}
      </Answer>
      {scope === "managed" && (
        <p className="mt-3 text-muted">
          What was sent, and what came back, is for the owner of the endpoint.
        </p>
      )}
    </Sheet>
  );
}

export function AttemptList({ attempts }: { attempts: Attempt[] }) {
  if (attempts.length === 0) return <p>There was no attempt yet.</p>;
  return (
    <ol className="space-y-3">
      {attempts.map((one) => (
        <li key={`${one.number} ${one.created_at}`} className="rounded-lg border border-border p-3">
          <p className="flex flex-wrap justify-between gap-2">
            <span className="font-medium">
              {one.number}: {one.status === null ? (one.error ?? "no answer") : `status ${one.status}`}
            </span>
            <span className="text-muted">
              <Moment at={one.created_at} />, {one.seconds.toFixed(2)} s
            </span>
          </p>
          {one.status !== null && one.error && <p>{one.error}</p>}
          {one.request_headers && (
            <Text title="Headers that were sent">
              {Object.entries(one.request_headers)
                .map(([name, value]) => `${name}: ${value}`)
                .join("\n")}
            </Text>
          )}
          {one.request_body !== undefined && <Text title="Body that was sent">{one.request_body}</Text>}
          {one.answer && <Text title="Beginning of the answer">{one.answer}</Text>}
        </li>
      ))}
    </ol>
  );
}

function Text({ title, children }: { title: string; children: string }) {
  return (
    <details className="mt-2">
      <summary>{title}</summary>
      <pre
        tabIndex={0}
        aria-label={title}
        className="mt-1 max-h-48 overflow-auto rounded bg-sunken p-2 font-mono text-xs break-all whitespace-pre-wrap"
      >
        {children}
      </pre>
    </details>
  );
}
