import { useMutation } from "@tanstack/react-query";
import { credits } from "@/lib/format";
import { Deed, type Filled } from "@/ui/deed";
import { Choice, Field, Reason } from "@/ui/field";
import type { Schemas } from "@/api/client";
import { Allowance } from "./allowance";
import { type Form, useChanged } from "./changed";
import {
  changeTeamMutation,
  endMutation,
  type Member,
  renameMutation,
  type Team,
} from "./queries";

/** The tags as a person writes them: apart by commas or spaces. */
export function tagsOf(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter(Boolean))];
}

function changed(filled: Filled): Schemas["TeamChange"] {
  return {
    credit_limit: filled.numberOrNull("credit_limit"),
    credit_period: filled.text("credit_period") as Schemas["Period"],
    time_zone: filled.text("time_zone"),
    retention_days: filled.numberOrNull("retention_days"),
    required_tags: tagsOf(filled.text("required_tags")),
    status: filled.text("status") as Schemas["Status"],
    reason: filled.text("reason"),
  };
}

export function ChangeTeam({ of, onDone, onClose }: Form & { of: Team }) {
  const said = useChanged(onDone);
  const change = useMutation({
    ...changeTeamMutation(of.id),
    onSuccess: (team) => said(`${team.name} is changed.`),
  });
  return (
    <Deed
      title={`Change ${of.name}`}
      act="Change"
      pending={change.isPending}
      error={change.error}
      onSubmit={(filled) => change.mutate(changed(filled))}
      onClose={onClose}
    >
      <p className="text-muted">
        {credits(of.used_credits)} credits are used of its limit. A lower one counts at once.
      </p>
      <Allowance limit={of.credit_limit} period={of.credit_period} />
      <Field
        label="Time zone"
        name="time_zone"
        required
        defaultValue={of.time_zone}
        hint="In which its days, weeks and months begin."
      />
      <Field
        label="Days its videos are kept"
        name="retention_days"
        type="number"
        min={1}
        defaultValue={of.retention_days ?? ""}
        hint="Empty: for ever. Older ones are deleted within minutes, and do not come back."
      />
      <Field
        label="Tags it requires"
        name="required_tags"
        defaultValue={of.required_tags.join(", ")}
        placeholder="cost_centre, project"
        hint="Without them in metadata, a request is refused. Empty: none."
      />
      <Choice label="Status" name="status" defaultValue={of.status}>
        <option value="ACTIVE">active</option>
        <option value="SUSPENDED">suspended: it makes nothing new</option>
      </Choice>
      <Reason />
    </Deed>
  );
}

export function Rename({ of, onDone, onClose }: Form & { of: Team | Member }) {
  const said = useChanged(onDone);
  const rename = useMutation({
    ...renameMutation(of),
    onSuccess: ({ name }) => said(`${of.name} is ${name} now.`),
  });
  return (
    <Deed
      title={`Rename ${of.name}`}
      act="Rename"
      pending={rename.isPending}
      error={rename.error}
      onSubmit={(filled) =>
        rename.mutate({ new_name: filled.text("new_name"), reason: filled.textOrNull("reason") })
      }
      onClose={onClose}
    >
      <p className="text-muted">The name is free for another one then. Statements keep the old one.</p>
      <Field label="New name" name="new_name" required maxLength={100} defaultValue={of.name} />
      <Field label="Reason" name="reason" maxLength={500} hint="For the audit log; may be empty." />
    </Deed>
  );
}

/** For good. So the name has to be written. */
export function End({ of, onDone, onClose }: Form & { of: Team | Member }) {
  const said = useChanged(onDone);
  const end = useMutation({
    ...endMutation(of),
    onSuccess: ({ revoked_keys }) =>
      said(`${of.name} has ended. Keys that ended with it: ${revoked_keys.join(", ") || "none"}.`),
  });
  const isTeam = of.object === "team";
  return (
    <Deed
      title={`End ${of.name} for good`}
      act="End it for good"
      danger
      pending={end.isPending}
      error={end.error}
      onSubmit={(filled) => end.mutate({ reason: filled.text("reason") })}
      onClose={onClose}
    >
      <p className="text-muted">
        {isTeam ? "All its members end, and their keys." : "All its keys end."} What is in progress
        is finished, what it spent stays in the ledger, and nothing brings it back. To stop it for a
        while, suspend it.
      </p>
      <Field
        label={`Write ${of.name} to confirm`}
        name="confirmed"
        required
        onInput={(event) => {
          const field = event.currentTarget;
          field.setCustomValidity(field.value === of.name ? "" : `It is not ${of.name}.`);
        }}
      />
      <Reason />
    </Deed>
  );
}
