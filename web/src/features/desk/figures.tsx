import type { ReactNode } from "react";
import type { Schemas } from "@/api/client";
import { credits, seconds, span } from "@/lib/format";
import { Section, Table } from "@/ui/table";

type Overview = Schemas["Overview"];
const STATES = ["queued", "submitting", "running", "unknown"] as const;

/** `0.125` as `12.5 %`. */
export function share(rate: number): string {
  return `${(rate * 100).toFixed(1).replace(/\.0$/, "")} %`;
}

/** How many of what, and how it went lately. */
export function Figures({ of }: { of: Overview }) {
  const { in_flight, today, week, upstream, deliveries } = of;
  return (
    <dl className="mt-4 grid grid-cols-2 gap-3 sm:grid-cols-4">
      {STATES.map((state) => (
        <Figure
          key={state}
          name={state}
          more={in_flight[state].count > 0 && `oldest ${span(in_flight[state].oldest_seconds)}`}
        >
          {in_flight[state].count}
        </Figure>
      ))}
      <Figure name="made today" more={`${week.succeeded} in seven days`}>
        {today.succeeded}
      </Figure>
      <Figure
        name="failed today"
        more={
          today.failure_rate !== null &&
          `${share(today.failure_rate)}; ${share(week.failure_rate ?? 0)} in seven days`
        }
      >
        {today.failed}
      </Figure>
      <Figure name="spent today" more={`${credits(week.settled_credits)} in seven days`}>
        {credits(today.settled_credits)}
      </Figure>
      {upstream ? (
        <Figure
          name="credits left upstream"
          more={upstream.days_left !== null && `for ${upstream.days_left.toFixed(1)} days`}
        >
          {upstream.remaining_credits === null ? "not known" : credits(upstream.remaining_credits)}
        </Figure>
      ) : (
        <Figure
          name="webhooks to send"
          more={deliveries.count > 0 && `oldest ${span(deliveries.oldest_seconds)}`}
        >
          {deliveries.count}
        </Figure>
      )}
    </dl>
  );
}

function Figure({
  name,
  more,
  children,
}: {
  name: string;
  more: string | false;
  children: ReactNode;
}) {
  return (
    <div className="rounded-lg border border-border p-3">
      <dt className="text-xs text-muted">{name}</dt>
      <dd className="text-2xl font-semibold">{children}</dd>
      {more && <dd className="text-xs text-muted">{more}</dd>}
    </div>
  );
}

/** Of the models that made something lately. */
export function Took({ list }: { list: Overview["took"] }) {
  if (list.length === 0) return null;
  return (
    <Section title="How long videos take">
      <Table
        caption="How long videos of the last seven days took"
        heads={["Model", "Of the last", "Half within", "Nine in ten within", "In the queue", "At most, nine in ten"]}
      >
        {list.map((one) => (
          <tr key={one.kind}>
            <th scope="row" className="font-medium whitespace-nowrap">
              {one.kind}
            </th>
            <td>{one.samples}</td>
            <td className="whitespace-nowrap">{seconds(one.p50_seconds)}</td>
            <td className="whitespace-nowrap">{seconds(one.p90_seconds)}</td>
            <td className="whitespace-nowrap">{seconds(one.waited_p50_seconds)}</td>
            <td className="whitespace-nowrap">{seconds(one.waited_p90_seconds)}</td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}
