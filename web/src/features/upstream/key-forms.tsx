import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Deed } from "@/ui/deed";
import { Reason } from "@/ui/field";
import { keyMutation, keysQuery, testMutation, type UpstreamKey } from "./queries";
import { turnOf } from "./words";

interface Form {
  of: UpstreamKey;
  /** Is told what has changed, once the gateway has said so. */
  onDone: (said: string) => void;
  onClose: () => void;
}

function useChanged(onDone: (said: string) => void) {
  const queries = useQueryClient();
  return async (said: string) => {
    await queries.invalidateQueries({ queryKey: keysQuery.queryKey });
    onDone(said);
  };
}

export function Test({ of, onDone, onClose }: Form) {
  const changed = useChanged(onDone);
  const test = useMutation({
    ...testMutation(of.label),
    onSuccess: () => changed(`A worker tests ${of.label} within seconds.`),
  });
  return (
    <Deed
      title={`Test the upstream key ${of.label}`}
      act="Test"
      pending={test.isPending}
      error={test.error}
      onSubmit={() => test.mutate()}
      onClose={onClose}
    >
      <p className="text-muted">
        A worker looks up an earlier video with it. That costs nothing, and shows the figures of its
        account.
      </p>
    </Deed>
  );
}

export function Turn({ of, onDone, onClose }: Form) {
  const { deed, act, effect, danger } = turnOf(of);
  const changed = useChanged(onDone);
  const change = useMutation({
    ...keyMutation(of.label, deed),
    onSuccess: () => changed(`${of.label} is ${deed === "pause" ? "paused" : "in use again"}.`),
  });
  return (
    <Deed
      title={`${act}: the upstream key ${of.label}`}
      act={act}
      danger={danger}
      pending={change.isPending}
      error={change.error}
      onSubmit={(filled) => change.mutate({ reason: filled.text("reason") })}
      onClose={onClose}
    >
      <p className="text-muted">{effect}</p>
      <Reason />
    </Deed>
  );
}
