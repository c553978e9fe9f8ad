import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import { DeliveryTable } from "@/features/deliveries/delivery-table";
import { DELIVERY_STATES } from "@/features/deliveries/search";
import { Answer, More } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Choice } from "@/ui/field";
import { Empty } from "@/ui/notices";
import { Section } from "@/ui/table";
import { CallbackSecret } from "./callback-secret";
import { type EndpointDeed, EndpointList } from "./endpoint-list";
import { ChangeEndpoint, CreateEndpoint, DeleteEndpoint, RotateSecret } from "./forms";
import {
  type Endpoint,
  type EndpointWithSecret,
  ownDeliveriesQuery,
  ownEndpointsQuery,
} from "./queries";
import { Secret } from "./secret";

type Open = { deed: "create" } | { deed: EndpointDeed; of: Endpoint } | null;

/** Who is told of a member's videos, and whether it arrived. */
export function WebhooksPage() {
  const list = useQuery(ownEndpointsQuery);
  const [open, setOpen] = useState<Open>(null);
  const [made, setMade] = useState<EndpointWithSecret | null>(null);
  const [said, setSaid] = useState("");
  const close = () => setOpen(null);
  function done(what: string) {
    close();
    setMade(null);
    setSaid(what);
  }
  function issued(endpoint: EndpointWithSecret) {
    close();
    setSaid("");
    setMade(endpoint);
  }
  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-xl font-semibold">Webhooks</h1>
        <Button look="primary" onClick={() => setOpen({ deed: "create" })}>
          <Plus aria-hidden className="size-4" /> Set up an endpoint
        </Button>
      </div>
      <p role="status" className="mt-2 text-sm text-success">
        {said}
      </p>
      {made && (
        <Secret
          title={`The secret of ${made.url}. It is shown only now.`}
          secret={made.secret}
          onClose={() => setMade(null)}
        />
      )}
      <Section title="Endpoints">
        <Answer query={list} what="your endpoints">
          {({ data }) =>
            data.length === 0 ? (
              <Empty title="You have no endpoint">
                Your server is told when a video is ready, so that nothing has to ask again and
                again.
              </Empty>
            ) : (
              <EndpointList
                list={data}
                onDeed={(deed, of) => setOpen({ deed, of })}
                onDone={done}
              />
            )
          }
        </Answer>
      </Section>
      <Sent endpoints={list.data?.data ?? []} onDone={done} />
      <CallbackSecret onDone={done} />
      {open?.deed === "create" && <CreateEndpoint onDone={issued} onClose={close} />}
      {open?.deed === "change" && <ChangeEndpoint of={open.of} onDone={done} onClose={close} />}
      {open?.deed === "rotate" && <RotateSecret of={open.of} onDone={issued} onClose={close} />}
      {open?.deed === "delete" && <DeleteEndpoint of={open.of} onDone={done} onClose={close} />}
    </>
  );
}

function Sent({ endpoints, onDone }: { endpoints: Endpoint[]; onDone: (said: string) => void }) {
  const [state, setState] = useState<Schemas["DeliveryState"]>();
  const [endpoint, setEndpoint] = useState("");
  const list = useInfiniteQuery(
    ownDeliveriesQuery({ ...(state && { state }), ...(endpoint && { endpoint_id: endpoint }) }),
  );
  const urls = new Map(endpoints.map((one) => [one.id, one.url]));
  return (
    <Section title="What was sent">
      <div className="mb-3 flex flex-wrap gap-3">
        <Choice
          label="State"
          value={state ?? ""}
          onChange={(event) => setState(DELIVERY_STATES.find((one) => one === event.target.value))}
          className="w-36"
        >
          <option value="">any</option>
          {DELIVERY_STATES.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </Choice>
        <Choice
          label="To"
          value={endpoint}
          onChange={(event) => setEndpoint(event.target.value)}
          className="w-64"
        >
          <option value="">all</option>
          {endpoints.map((one) => (
            <option key={one.id} value={one.id}>
              {one.url}
            </option>
          ))}
        </Choice>
      </div>
      <Answer query={list} what="what was sent">
        {({ pages }) => {
          const found = pages.flatMap((page) => page.data);
          return found.length === 0 ? (
            <Empty title="Nothing was sent">Each message appears here, with its attempts.</Empty>
          ) : (
            <>
              <DeliveryTable
                caption="What was sent, newest first"
                list={found}
                scope="own"
                urls={urls}
                onDone={onDone}
              />
              <More list={list} />
            </>
          );
        }}
      </Answer>
    </Section>
  );
}
