import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { STORIES } from "@/features/stories/queries";
import { Deed } from "@/ui/deed";
import { Field, Reason } from "@/ui/field";
import { type Delivery, DELIVERIES, resendBatch, resendMutation, type Scope } from "./queries";

interface Form {
  onDone: (said: string) => void;
  onClose: () => void;
}

/** What a form asks again for, once something is sent again. */
function useChanged() {
  const queries = useQueryClient();
  return async () => {
    await queries.invalidateQueries({ queryKey: DELIVERIES });
    await queries.invalidateQueries({ queryKey: STORIES });
  };
}

export function Resend({ of, scope, onDone, onClose }: Form & { of: Delivery; scope: Scope }) {
  const changed = useChanged();
  const resend = useMutation({
    ...resendMutation(of.id, scope),
    onSuccess: async ({ type }) => {
      await changed();
      onDone(`${type} is sent again now, and for a day if it fails.`);
    },
  });
  return (
    <Deed
      title={`Send ${of.type} again?`}
      act="Send again"
      pending={resend.isPending}
      error={resend.error}
      onSubmit={(filled) => resend.mutate({ reason: filled.textOrNull("reason") })}
      onClose={onClose}
    >
      <p className="text-muted">
        With the same webhook-id, so that a receiver that knows it already can tell.
      </p>
      {scope === "managed" && <Reason required={false} />}
    </Deed>
  );
}

const PER_BATCH = 500;

/** All that failed of a team since an instant, one batch after the other. */
export function ResendFailed({
  team,
  endpoint,
  since,
  onDone,
  onClose,
}: Form & { team: string; endpoint: string | undefined; since: string | undefined }) {
  const changed = useChanged();
  const [count, setCount] = useState(0);
  // Where a refused batch goes on when it is asked for again.
  const place = useRef<{ sum: number; cursor: string | null }>({ sum: 0, cursor: null });
  const resend = useMutation({
    mutationFn: async ({ from, reason }: { from: string | null; reason: string }) => {
      const at = place.current;
      do {
        const batch = await resendBatch(team, {
          since: from,
          limit: PER_BATCH,
          reason,
          ...(endpoint && { endpoint_id: endpoint }),
          ...(at.cursor && { cursor: at.cursor }),
        });
        at.sum += batch.count;
        at.cursor = batch.next_cursor;
        setCount(at.sum);
      } while (at.cursor !== null);
      return at.sum;
    },
    onSuccess: async (sum) => {
      await changed();
      onDone(sum === 1 ? "1 delivery is sent again." : `${sum} deliveries are sent again.`);
    },
  });
  return (
    <Deed
      title="Send again what failed?"
      act={resend.isPending && count > 0 ? `${count} so far …` : "Send again"}
      pending={resend.isPending}
      error={resend.error}
      onSubmit={(filled) =>
        resend.mutate({ from: filled.instantOrNull("since"), reason: filled.text("reason") })
      }
      onClose={onClose}
    >
      <p className="text-muted">
        Every failed delivery of the team{endpoint ? " to this endpoint" : ""} since then, oldest
        first, each with all attempts. Those to disabled endpoints stay failed, and tests are left
        out.
      </p>
      <Field
        label="Since"
        name="since"
        type="datetime-local"
        defaultValue={since ?? ""}
        hint="Empty: as old as are kept."
      />
      {count > 0 && <p role="status">{count} are sent again so far.</p>}
      <Reason />
    </Deed>
  );
}
