import { useMutation, useQueryClient } from "@tanstack/react-query";
import { credits } from "@/lib/format";
import { Deed } from "@/ui/deed";
import { Field } from "@/ui/field";
import { closeMutation, statementsQuery } from "./queries";
import { lastMonth } from "./rows";

/** Sent twice, it closes the month once: the second answer is the statement of the first. */
export function CloseMonth({
  team,
  onDone,
  onClose,
}: {
  team: string;
  onDone: (said: string) => void;
  onClose: () => void;
}) {
  const queries = useQueryClient();
  const close = useMutation({
    ...closeMutation(team),
    onSuccess: async (made) => {
      await queries.invalidateQueries({ queryKey: statementsQuery(team).queryKey });
      onDone(`${made.month} is closed, with ${credits(made.credits)} credits.`);
    },
  });
  return (
    <Deed
      title="Close a month"
      act="Close it for good"
      pending={close.isPending}
      error={close.error}
      onSubmit={(filled) =>
        close.mutate({ month: filled.text("month"), reason: filled.textOrNull("reason") })
      }
      onClose={onClose}
    >
      <p className="text-muted">
        What is settled or corrected later is in the next statement. This one never changes.
      </p>
      <Field
        label="Month"
        name="month"
        required
        pattern="[0-9]{4}-[0-9]{2}"
        placeholder="2026-10"
        defaultValue={lastMonth(new Date())}
        hint="Once it has ended in the team's time zone, and after the ones before it."
      />
      <Field label="Reason" name="reason" maxLength={500} hint="For the audit log; may be empty." />
    </Deed>
  );
}
