import { useMutation, useQueryClient } from "@tanstack/react-query";
import { standing } from "@/features/deliveries/endpoint-table";
import { AttemptList } from "@/features/deliveries/attempts";
import { DELIVERIES } from "@/features/deliveries/queries";
import { Button } from "@/ui/button";
import { Moment } from "@/ui/moment";
import { Failure } from "@/ui/notices";
import { Badge } from "@/ui/table";
import { changeMutation, type Endpoint, testMutation } from "./queries";

export type EndpointDeed = "change" | "rotate" | "delete";

export function EndpointList({
  list,
  onDeed,
  onDone,
}: {
  list: Endpoint[];
  onDeed: (deed: EndpointDeed, of: Endpoint) => void;
  onDone: (said: string) => void;
}) {
  return (
    <ul className="space-y-4">
      {list.map((one) => (
        <li key={one.id} className="rounded-lg border border-border p-4 text-sm">
          <One of={one} onDeed={(deed) => onDeed(deed, one)} onDone={onDone} />
        </li>
      ))}
    </ul>
  );
}

function One({
  of,
  onDeed,
  onDone,
}: {
  of: Endpoint;
  onDeed: (deed: EndpointDeed) => void;
  onDone: (said: string) => void;
}) {
  const queries = useQueryClient();
  const changed = () => queries.invalidateQueries({ queryKey: DELIVERIES });
  const test = useMutation({ ...testMutation(of.id), onSuccess: changed });
  const turn = useMutation({
    ...changeMutation(of.id),
    onSuccess: async ({ url, enabled }) => {
      await changed();
      onDone(`${url} is ${enabled ? "enabled: it is told of what happens from now on" : "disabled"}.`);
    },
  });
  const { look, word, why } = standing(of);
  const acts = [
    { name: "Change", deed: "change" },
    { name: "New secret", deed: "rotate" },
    { name: "Delete", deed: "delete" },
  ] as const;
  return (
    <>
      <div className="flex flex-wrap items-start justify-between gap-2">
        <h3 className="min-w-0 font-semibold break-all">{of.url}</h3>
        <Badge look={look}>{word}</Badge>
      </div>
      <p className="mt-1 text-muted">
        {[of.description, why, of.team_wide && "of everybody in the team"].filter(Boolean).join(" · ")}
      </p>
      <p className="mt-2">
        {of.event_types.join(", ")}, in the format {of.format}
      </p>
      {of.previous_secret_until && (
        <p className="mt-1 text-muted">
          The old secret signs too until <Moment at={of.previous_secret_until} />.
        </p>
      )}
      <div className="mt-3 flex flex-wrap gap-2">
        <Button
          disabled={test.isPending}
          aria-label={`Test ${of.url}`}
          onClick={() => test.mutate()}
        >
          {test.isPending ? "Waiting for its answer …" : "Test"}
        </Button>
        <Button
          disabled={turn.isPending}
          aria-label={`${of.enabled ? "Disable" : "Enable"} ${of.url}`}
          onClick={() => turn.mutate({ enabled: !of.enabled })}
        >
          {of.enabled ? "Disable" : "Enable"}
        </Button>
        {acts.map(({ name, deed }) => (
          <Button
            key={deed}
            look={deed === "delete" ? "danger" : "plain"}
            aria-label={`${name}: ${of.url}`}
            onClick={() => onDeed(deed)}
          >
            {name}
          </Button>
        ))}
      </div>
      <div role="status" className="mt-3 empty:hidden">
        {test.data && (
          <>
            <p className="mb-2 font-medium">
              {test.data.state === "delivered" ? "The test arrived." : "The test did not arrive."}
            </p>
            <AttemptList attempts={test.data.attempts} />
          </>
        )}
      </div>
      {(test.error ?? turn.error) && (
        <div className="mt-3">
          <Failure error={test.error ?? turn.error} />
        </div>
      )}
    </>
  );
}
