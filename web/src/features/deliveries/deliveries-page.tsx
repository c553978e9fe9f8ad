import { useInfiniteQuery, useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { meQuery } from "@/api/me";
import { TeamChoice } from "@/features/teams/choices";
import { Answer, More } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Choice, Field } from "@/ui/field";
import { Empty } from "@/ui/notices";
import { Section } from "@/ui/table";
import { DeliveryTable } from "./delivery-table";
import { EndpointTable } from "./endpoint-table";
import { endpointsQuery, managedQuery } from "./queries";
import { ResendFailed } from "./resend";
import { deliveriesSearch, type DeliveriesSearch, DELIVERY_STATES } from "./search";

/** Who is told of what by webhooks, and whether it arrived. */
export function DeliveriesPage() {
  const search = useSearch({ from: "/inside/desk/deliveries" });
  const navigate = useNavigate({ from: "/desk/deliveries" });
  const { data: me } = useSuspenseQuery(meQuery);
  const [said, setSaid] = useState("");
  const [resending, setResending] = useState(false);
  const team = search.team ?? (me.operates ? undefined : me.team.id);
  const change = (next: Record<string, unknown>) =>
    // Of what the address has by then: two changes may come before one is shown.
    void navigate({ search: (now) => deliveriesSearch({ ...now, ...next }), replace: true });
  return (
    <>
      <div className="flex flex-wrap items-end justify-between gap-3">
        <h1 className="text-xl font-semibold">Deliveries</h1>
        {me.operates && (
          <TeamChoice
            chosen={search.team}
            // Another team has other endpoints.
            onChange={(next) => change({ team: next, endpoint: undefined })}
          />
        )}
      </div>
      <p role="status" className="mt-2 text-sm text-success">
        {said}
      </p>
      <Endpoints search={search} onChange={change} onDone={setSaid} />
      <Section
        title="What was sent"
        aside={
          <Button
            disabled={!team}
            title={team ? undefined : "Choose a team first."}
            onClick={() => setResending(true)}
          >
            Send again what failed
          </Button>
        }
      >
        <div className="mb-3 flex flex-wrap items-end gap-3">
          <Choice
            label="State"
            value={search.state ?? ""}
            onChange={(event) => change({ state: event.target.value })}
            className="w-36"
          >
            <option value="">any</option>
            {DELIVERY_STATES.map((state) => (
              <option key={state}>{state}</option>
            ))}
          </Choice>
          <Field
            label="Since"
            type="datetime-local"
            value={search.since ?? ""}
            onChange={(event) => change({ since: event.target.value || undefined })}
            className="w-56"
          />
          {search.endpoint && (
            <Button onClick={() => change({ endpoint: undefined })}>To all endpoints</Button>
          )}
        </div>
        <Sent search={search} onDone={setSaid} />
      </Section>
      {resending && team && (
        <ResendFailed
          team={team}
          endpoint={search.endpoint}
          since={search.since}
          onDone={(done) => {
            setResending(false);
            setSaid(done);
          }}
          onClose={() => setResending(false)}
        />
      )}
    </>
  );
}

interface Part {
  search: DeliveriesSearch;
  onDone: (said: string) => void;
}

function Endpoints({
  search,
  onChange,
  onDone,
}: Part & { onChange: (next: Record<string, unknown>) => void }) {
  const list = useInfiniteQuery(endpointsQuery(search));
  return (
    <Section
      title="Endpoints"
      aside={
        <label className="flex items-center gap-2 text-sm">
          <input
            type="checkbox"
            checked={search.off ?? false}
            onChange={(event) => onChange({ off: event.target.checked })}
          />
          only disabled ones
        </label>
      }
    >
      <Answer query={list} what="endpoints">
        {({ pages }) => {
          const found = pages.flatMap((page) => page.data);
          return found.length === 0 ? (
            <Empty title={search.off ? "No endpoint is disabled" : "There is no endpoint"}>
              Members set them up among their webhooks, or over the API.
            </Empty>
          ) : (
            <>
              <EndpointTable list={found} onDone={onDone} />
              <More list={list} />
            </>
          );
        }}
      </Answer>
    </Section>
  );
}

function Sent({ search, onDone }: Part) {
  const list = useInfiniteQuery(managedQuery(search));
  return (
    <Answer query={list} what="deliveries">
      {({ pages }) => {
        const found = pages.flatMap((page) => page.data);
        return found.length === 0 ? (
          <Empty title="No delivery matches">Whatever is sent to a receiver appears here.</Empty>
        ) : (
          <>
            <DeliveryTable caption="Deliveries, newest first" list={found} onDone={onDone} />
            <More list={list} />
          </>
        );
      }}
    </Answer>
  );
}
