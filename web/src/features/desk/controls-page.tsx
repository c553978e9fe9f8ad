import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import { Answer } from "@/ui/answer";
import { Button } from "@/ui/button";
import { Deed } from "@/ui/deed";
import { Reason } from "@/ui/field";
import { Moment } from "@/ui/moment";
import { Badge } from "@/ui/table";
import { Drain } from "./drain";
import { overviewQuery, pauseMutation, pausesQuery } from "./queries";
import { UpstreamKeys } from "./upstream-keys";

type Control = Schemas["PauseDocument"];
/** What is turned. */
type Turned = Pick<Control, "name" | "paused">;

const STOPS: Record<Schemas["Pause"], string> = {
  admission: "New requests are refused, with nothing charged. What was accepted goes on.",
  submission: "Requests are accepted and wait in the queue. Nothing more is sent to the upstream.",
};

/** What an operator can stop, and start again. */
export function ControlsPage() {
  const query = useQuery(pausesQuery);
  const [of, setOf] = useState<Turned | null>(null);
  return (
    <>
      <h1 className="text-xl font-semibold">Controls</h1>
      <p className="mt-1 text-sm text-muted">Generations in progress go on, whatever is paused.</p>
      <div className="mt-4">
        <Answer query={query} what="what is paused">
          {({ data }) => <Controls data={data} onDeed={setOf} />}
        </Answer>
      </div>
      <Drain onDeed={(paused) => setOf({ name: "admission", paused })} />
      <UpstreamKeys />
      {of && <Turn of={of} onClose={() => setOf(null)} />}
    </>
  );
}

export function Controls({ data, onDeed }: { data: Control[]; onDeed: (of: Turned) => void }) {
  return (
    <ul className="grid gap-4 md:grid-cols-2">
      {data.map((one) => (
        <li key={one.name} className="rounded-lg border border-border p-4 text-sm">
          <h2 className="flex items-center justify-between gap-2 font-semibold">
            {one.name}
            <Badge look={one.paused ? "warning" : "good"}>{one.paused ? "paused" : "open"}</Badge>
          </h2>
          <p className="mt-2 text-muted">Paused: {STOPS[one.name]}</p>
          <p className="mt-2">
            Since <Moment at={one.changed_at} />
            {one.reason && <>: {one.reason}</>}
          </p>
          <Button
            className="mt-3"
            look={one.paused ? "primary" : "danger"}
            aria-label={`${one.paused ? "Resume" : "Pause"} ${one.name}`}
            onClick={() => onDeed(one)}
          >
            {one.paused ? "Resume" : "Pause"}
          </Button>
        </li>
      ))}
    </ul>
  );
}

function Turn({ of, onClose }: { of: Turned; onClose: () => void }) {
  const queries = useQueryClient();
  const change = useMutation({
    ...pauseMutation(of.name, of.paused ? "resume" : "pause"),
    onSuccess: async () => {
      await Promise.all(
        [pausesQuery, overviewQuery].map(({ queryKey }) => queries.invalidateQueries({ queryKey })),
      );
      onClose();
    },
  });
  const act = of.paused ? "Resume" : "Pause";
  return (
    <Deed
      title={`${act} ${of.name}`}
      act={act}
      danger={!of.paused}
      pending={change.isPending}
      error={change.error}
      onSubmit={(filled) => change.mutate({ reason: filled.text("reason") })}
      onClose={onClose}
    >
      {!of.paused && <p className="text-muted">{STOPS[of.name]}</p>}
      <Reason hint="Everybody who asks why reads it." />
    </Deed>
  );
}
