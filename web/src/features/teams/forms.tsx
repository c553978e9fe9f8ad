import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import { credits } from "@/lib/format";
import { onceKey } from "@/lib/once";
import { Deed, type Filled } from "@/ui/deed";
import { Choice, Field, Reason } from "@/ui/field";
import { Allowance } from "./allowance";
import { type Form, useChanged } from "./changed";
import {
  changeMemberMutation,
  createMemberMutation,
  createTeamMutation,
  decideMutation,
  type Member,
  type Team,
} from "./queries";

const period = (filled: Filled) => filled.text("credit_period") as Schemas["Period"];

export function CreateTeam({ onDone, onClose }: Form) {
  const [once] = useState(onceKey);
  const changed = useChanged(onDone);
  const create = useMutation({
    ...createTeamMutation(once),
    onSuccess: (team) => changed(`The team ${team.name} is made.`),
  });
  return (
    <Deed
      title="Make a team"
      act="Make the team"
      pending={create.isPending}
      error={create.error}
      onSubmit={(filled) =>
        create.mutate({
          name: filled.text("name"),
          credit_limit: filled.numberOrNull("credit_limit"),
          credit_period: period(filled),
          time_zone: filled.textOrNull("time_zone"),
        })
      }
      onClose={onClose}
    >
      <Field label="Name" name="name" required />
      <Allowance limit={null} period="month" />
      <Field
        label="Time zone"
        name="time_zone"
        defaultValue={Intl.DateTimeFormat().resolvedOptions().timeZone}
        hint="In which its days, weeks and months begin."
      />
    </Deed>
  );
}

export function CreateMember({ team, onDone, onClose }: Form & { team: Team }) {
  const [once] = useState(onceKey);
  const changed = useChanged(onDone);
  const create = useMutation({
    ...createMemberMutation(team.id, once),
    onSuccess: (member) => changed(`${member.name} is in ${team.name} now.`),
  });
  return (
    <Deed
      title={`Add a member to ${team.name}`}
      act="Add"
      pending={create.isPending}
      error={create.error}
      onSubmit={(filled) => {
        const limit = filled.numberOrNull("credit_limit");
        create.mutate({
          name: filled.text("name"),
          role: filled.text("role") as Schemas["Role"],
          ...(limit !== null && { credit_limit: limit, credit_period: period(filled) }),
        });
      }}
      onClose={onClose}
    >
      <Field label="Name" name="name" required />
      <Choice label="Role" name="role" defaultValue="MEMBER">
        <option value="MEMBER">member</option>
        <option value="ADMIN">administrator of the team</option>
      </Choice>
      <Allowance limit={null} period="none" />
      <p className="text-muted">Empty: what the gateway gives to members by default.</p>
    </Deed>
  );
}

export function ChangeMember({ of, onDone, onClose }: Form & { of: Member }) {
  const changed = useChanged(onDone);
  const change = useMutation({
    ...changeMemberMutation(of),
    onSuccess: (member) => changed(`The limits of ${member.name} are changed.`),
  });
  return (
    <Deed
      title={`Change ${of.name}`}
      act="Change"
      pending={change.isPending}
      error={change.error}
      onSubmit={(filled) =>
        change.mutate({
          credit_limit: filled.numberOrNull("credit_limit"),
          credit_period: period(filled),
          max_open: filled.numberOrNull("max_open"),
          role: filled.text("role") as Schemas["Role"],
          status: filled.text("status") as Schemas["Status"],
          reason: filled.text("reason"),
        })
      }
      onClose={onClose}
    >
      <p className="text-muted">{credits(of.used_credits)} are used. A lower limit counts at once.</p>
      <Allowance limit={of.credit_limit} period={of.credit_period} required />
      <div className="grid gap-4 sm:grid-cols-3">
        <Field
          label="In progress at most"
          name="max_open"
          type="number"
          min={1}
          required
          defaultValue={of.max_open}
        />
        <Choice label="Role" name="role" defaultValue={of.role}>
          <option value="MEMBER">member</option>
          <option value="ADMIN">administrator</option>
        </Choice>
        <Choice label="Status" name="status" defaultValue={of.status}>
          <option value="ACTIVE">active</option>
          <option value="SUSPENDED">suspended</option>
        </Choice>
      </div>
      <Reason />
    </Deed>
  );
}

export function Decide({
  of,
  decision,
  onDone,
  onClose,
}: Form & { of: Schemas["CreditRequest"]; decision: "grant" | "refuse" }) {
  const changed = useChanged(onDone);
  const decide = useMutation({
    ...decideMutation(of.id, decision),
    onSuccess: ({ granted_credits }) =>
      changed(
        granted_credits === null
          ? `The request of ${of.member} is refused.`
          : `${credits(granted_credits)} credits are granted to ${of.member}.`,
      ),
  });
  const granting = decision === "grant";
  return (
    <Deed
      title={`${granting ? "Grant" : "Refuse"} the request of ${of.member}`}
      act={granting ? "Grant" : "Refuse"}
      danger={!granting}
      pending={decide.isPending}
      error={decide.error}
      onSubmit={(filled) =>
        decide.mutate({
          reason: filled.text("reason"),
          ...(granting && { credits: Number(filled.text("credits")) }),
        })
      }
      onClose={onClose}
    >
      <p>“{of.reason}”</p>
      {granting && (
        <Field
          label="Credits"
          name="credits"
          type="number"
          min={1}
          required
          defaultValue={of.credits}
          hint={`To the ${of.account}. Asked for: ${credits(of.credits)}.`}
        />
      )}
      <Reason hint={`${of.member} reads it.`} />
    </Deed>
  );
}
