import { useInfiniteQuery, useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Schemas } from "@/api/client";
import { meQuery } from "@/api/me";
import { Answer } from "@/ui/answer";
import { Empty } from "@/ui/notices";
import { Section } from "@/ui/table";
import { FlightTable } from "./flight-table";
import { flightQuery, MOST, oldQuery, pausesQuery, unknownsQuery } from "./queries";
import { UpstreamKeys } from "./upstream-keys";

/** What is in flight, and what needs a person. */
export function NowPage() {
  const { data: me } = useSuspenseQuery(meQuery);
  const flight = useQuery(flightQuery);
  const old = useQuery(oldQuery);
  return (
    <>
      <h1 className="text-xl font-semibold">
        {me.operates ? "Everybody's videos, now" : `Videos of ${me.team.name}, now`}
      </h1>
      <Needs operates={me.operates} />
      <Section title="In flight">
        <Answer query={flight} what="what is in flight">
          {(list) => <Counts list={list} />}
        </Answer>
      </Section>
      <Section title="For more than a quarter of an hour">
        <Answer query={old} what="what takes long">
          {({ data, has_more }) =>
            data.length === 0 ? (
              <Empty title="Nothing takes that long" />
            ) : (
              <>
                <FlightTable caption="In flight for long, oldest first" list={data.toReversed()} />
                {has_more && (
                  <p className="mt-2 text-sm text-muted">The newest {MOST} of these; there are more.</p>
                )}
              </>
            )
          }
        </Answer>
      </Section>
      {me.operates && <UpstreamKeys />}
    </>
  );
}

/** Only what somebody has to do something about. */
function Needs({ operates }: { operates: boolean }) {
  const unknowns = useInfiniteQuery(unknownsQuery);
  const pauses = useQuery({ ...pausesQuery, enabled: operates });
  const count = unknowns.data?.pages[0]?.data.length ?? 0;
  const paused = pauses.data?.data.filter((one) => one.paused) ?? [];
  if (count === 0 && paused.length === 0) return null;
  return (
    <ul aria-label="What needs a person" className="mt-4 space-y-2">
      {paused.map((one) => (
        <Need key={one.name}>
          <strong>The {one.name} is paused</strong>: {one.reason}.{" "}
          <Link to="/desk/controls" className="underline">
            To the controls
          </Link>
        </Need>
      ))}
      {count > 0 && (
        <Need>
          <strong>
            {count}
            {unknowns.hasNextPage && " or more"} with an unknown outcome
          </strong>
          : credits are held until somebody looks.{" "}
          <Link to="/desk/unknowns" className="underline">
            To the unknowns
          </Link>
        </Need>
      )}
    </ul>
  );
}

function Need({ children }: { children: ReactNode }) {
  return <li className="rounded-lg bg-warning-soft px-4 py-3 text-sm text-warning">{children}</li>;
}

export function Counts({ list }: { list: Schemas["ManagedGenerationList"] }) {
  const states = ["queued", "submitting", "running", "unknown"] as const;
  if (list.data.length === 0) return <Empty title="Nothing is in flight" />;
  return (
    <>
      <dl className="mb-4 grid grid-cols-2 gap-3 sm:grid-cols-4">
        {states.map((state) => (
          <div key={state} className="rounded-lg border border-border p-3">
            <dt className="text-xs text-muted">{state}</dt>
            <dd className="text-2xl font-semibold">
              {list.data.filter((one) => one.state === state).length}
            </dd>
          </div>
        ))}
      </dl>
      {list.has_more && (
        <p className="mb-2 text-sm text-muted">Of the newest {MOST}; there are more.</p>
      )}
      <FlightTable caption="In flight, newest first" list={list.data.slice(0, 20)} />
    </>
  );
}
