import type { Schemas } from "@/api/client";
import { classes } from "@/lib/classes";

type State = Schemas["State"];

const LOOKS: Record<State, string> = {
  queued: "bg-sunken text-muted",
  submitting: "bg-accent-soft text-accent",
  running: "bg-accent-soft text-accent",
  succeeded: "bg-success-soft text-success",
  failed: "bg-danger-soft text-danger",
  canceled: "bg-sunken text-muted",
  unknown: "bg-warning-soft text-warning",
};

/** The word of the API, with a colour that only repeats it. */
export function StateBadge({ state }: { state: State }) {
  return (
    <span
      className={classes("inline-block rounded-full px-2 py-0.5 text-xs font-medium", LOOKS[state])}
    >
      {state}
    </span>
  );
}
