import { useMutation, useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { meQuery } from "@/api/me";
import type { Schemas } from "@/api/client";
import { KeyFields, requested } from "@/features/keys/forms";
import { onceKey } from "@/lib/once";
import { Deed } from "@/ui/deed";
import { Choice, Field, Reason } from "@/ui/field";
import { Allowance } from "./allowance";
import { type Form, useChanged } from "./changed";
import {
  changeKeyMutation,
  makeKeyMutation,
  revokeAllMutation,
  revokeKeyMutation,
  rotateKeyMutation,
  type TeamKey,
} from "./key-queries";
import type { Member, Team } from "./queries";

interface Making extends Form {
  /** Is given the secret, which is shown this once. */
  onMade: (made: Schemas["MemberKeyWithSecret"]) => void;
}

export function MakeKey({
  team,
  members,
  onMade,
  onDone,
  onClose,
}: Making & { team: Team; members: Member[] }) {
  const { data: me } = useSuspenseQuery(meQuery);
  const [once] = useState(onceKey);
  const changed = useChanged(onDone);
  const make = useMutation({
    ...makeKeyMutation(team.id, once),
    onSuccess: async (made) => {
      await changed("");
      onMade(made);
    },
  });
  return (
    <Deed
      title={`Make a key for a member of ${team.name}`}
      act="Make the key"
      pending={make.isPending}
      error={make.error}
      onSubmit={(filled) =>
        make.mutate({ member: filled.text("member"), body: requested(filled) })
      }
      onClose={onClose}
    >
      <Choice label="Member" name="member" required>
        {members.map((member) => (
          <option key={member.id} value={member.id}>
            {member.name}
          </option>
        ))}
      </Choice>
      <KeyFields scopes={me.key.scopes} />
    </Deed>
  );
}

export function ChangeKey({ of, onDone, onClose }: Form & { of: TeamKey }) {
  const changed = useChanged(onDone);
  const change = useMutation({
    ...changeKeyMutation(of.id),
    onSuccess: (key) => changed(`The limits of the key ${key.name} are changed.`),
  });
  return (
    <Deed
      title={`Change the limits of ${of.name}`}
      act="Change"
      pending={change.isPending}
      error={change.error}
      onSubmit={(filled) =>
        change.mutate({
          credit_limit: filled.numberOrNull("credit_limit"),
          credit_period: filled.text("credit_period") as Schemas["Period"],
          rate_per_minute: filled.numberOrNull("rate_per_minute"),
          max_open: filled.numberOrNull("max_open"),
          reason: filled.text("reason"),
        })
      }
      onClose={onClose}
    >
      <p className="text-muted">Empty: as {of.member}’s own limits say. They hold in any case.</p>
      <Allowance limit={of.credit_limit} period={of.credit_period} />
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          label="Creates a minute"
          name="rate_per_minute"
          type="number"
          min={1}
          defaultValue={of.rate_per_minute ?? ""}
        />
        <Field
          label="In progress at most"
          name="max_open"
          type="number"
          min={1}
          defaultValue={of.max_open ?? ""}
        />
      </div>
      <Reason />
    </Deed>
  );
}

export function RotateTeamKey({ of, onMade, onDone, onClose }: Making & { of: TeamKey }) {
  const [once] = useState(onceKey);
  const changed = useChanged(onDone);
  const rotate = useMutation({
    ...rotateKeyMutation(of.id, once),
    onSuccess: async (made) => {
      await changed("");
      onMade(made);
    },
  });
  return (
    <Deed
      title={`Replace the key ${of.name} of ${of.member}`}
      act="Make the new key"
      pending={rotate.isPending}
      error={rotate.error}
      onSubmit={(filled) =>
        rotate.mutate({
          overlap_seconds: Number(filled.text("overlap")),
          reason: filled.textOrNull("reason"),
        })
      }
      onClose={onClose}
    >
      <p className="text-muted">
        The new key may do the same and goes on in the same account. Both work until the old one
        ends.
      </p>
      <Choice label="The old key works for another" name="overlap" defaultValue="86400">
        <option value="0">0 seconds: it ends now</option>
        <option value="3600">hour</option>
        <option value="86400">day</option>
        <option value="604800">week</option>
      </Choice>
      <Field label="Reason" name="reason" maxLength={500} hint="For the audit log; may be empty." />
    </Deed>
  );
}

/** One key or, of a member, all. */
export function RevokeTeamKey({ of, onDone, onClose }: Form & { of: TeamKey }) {
  const changed = useChanged(onDone);
  const revoke = useMutation({
    ...revokeKeyMutation(of.id),
    onSuccess: ({ key, webhook_endpoints: hooks }) =>
      changed(
        `The key ${key.name} of ${of.member} is revoked.` +
          (hooks.length > 0 ? ` It set up ${hooks.length} webhook endpoints.` : ""),
      ),
  });
  return (
    <Deed
      title={`Revoke the key ${of.name} of ${of.member}?`}
      act="Revoke"
      danger
      pending={revoke.isPending}
      error={revoke.error}
      onSubmit={(filled) => revoke.mutate(revocation(filled.text("compromised"), filled.text("reason")))}
      onClose={onClose}
    >
      <p className="text-muted">
        Nothing that sends {of.prefix}… works any more, from now on and for good. Videos that were
        asked for are finished.
      </p>
      <Compromised />
      <Reason />
    </Deed>
  );
}

export function RevokeAll({ of, onDone, onClose }: Form & { of: Member }) {
  const changed = useChanged(onDone);
  const revoke = useMutation({
    ...revokeAllMutation(of),
    onSuccess: ({ data }) => changed(`${data.length} keys of ${of.name} are revoked.`),
  });
  return (
    <Deed
      title={`Revoke all keys of ${of.name}?`}
      act="Revoke all"
      danger
      pending={revoke.isPending}
      error={revoke.error}
      onSubmit={(filled) => revoke.mutate(revocation(filled.text("compromised"), filled.text("reason")))}
      onClose={onClose}
    >
      <p className="text-muted">
        Its programs and browsers are out, from now on and for good, until it gets another key.
      </p>
      <Compromised />
      <Reason />
    </Deed>
  );
}

function revocation(compromised: string, reason: string): Schemas["KeyRevocation"] {
  return { compromised: compromised === "yes", reason };
}

function Compromised() {
  return (
    <label className="flex items-start gap-2">
      <input type="checkbox" name="compromised" value="yes" className="mt-1" />
      Others have it: also disable the webhook endpoints that were set up with it, and replace the
      member’s callback secret
    </label>
  );
}
