import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { meQuery } from "@/api/me";
import type { Schemas } from "@/api/client";
import { onceKey } from "@/lib/once";
import { Deed, type Filled } from "@/ui/deed";
import { Choice, Field } from "@/ui/field";
import {
  createMutation,
  type Key,
  type KeyWithSecret,
  keysQuery,
  revokeMutation,
  rotateMutation,
} from "./queries";

interface Form<T> {
  onDone: (made: T) => void;
  onClose: () => void;
}

const MEANT: Record<Schemas["Scope"], string> = {
  generate: "make, change and cancel videos",
  read: "look",
  team: "act for the whole team",
  operate: "operate the gateway",
};

function useAsked() {
  const queries = useQueryClient();
  return () => queries.invalidateQueries({ queryKey: keysQuery.queryKey });
}

/** The body of a new key. What is left empty limits nothing. */
export function requested(filled: Filled): Schemas["KeyRequest"] {
  const models = filled.text("models").split(/[\s,]+/).filter(Boolean);
  return {
    name: filled.text("name"),
    scopes: filled.all("scopes") as Schemas["Scope"][],
    expires_at: filled.instantOrNull("expires_at"),
    credit_limit: filled.numberOrNull("credit_limit"),
    credit_period: filled.text("credit_period") as Schemas["Period"],
    max_open: filled.numberOrNull("max_open"),
    ...(models.length > 0 && { models }),
  };
}

/** What a new key may; `scopes` are those that whoever makes it may give. */
export function KeyFields({ scopes }: { scopes: Schemas["Scope"][] }) {
  return (
    <>
      <Field label="Name" name="name" required maxLength={100} placeholder="laptop" />
      <fieldset>
        <legend className="font-medium">May</legend>
        {scopes.map((scope) => (
          <label key={scope} className="mt-1 flex items-center gap-2">
            <input
              type="checkbox"
              name="scopes"
              value={scope}
              defaultChecked={scope === "generate" || scope === "read"}
            />
            <span>
              {scope} <span className="text-muted">({MEANT[scope]})</span>
            </span>
          </label>
        ))}
      </fieldset>
      <Field label="Ends" name="expires_at" type="datetime-local" hint="Empty: never." />
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          label="Credits at most"
          name="credit_limit"
          type="number"
          min={0}
          hint="Empty: no limit of its own."
        />
        <Choice label="In each" name="credit_period" defaultValue="none">
          <option value="none">for all time</option>
          <option>day</option>
          <option>week</option>
          <option>month</option>
        </Choice>
        <Field label="In progress at most" name="max_open" type="number" min={1} />
        <Field label="Models" name="models" placeholder="ray-v3" hint="Empty: all." />
      </div>
    </>
  );
}

export function CreateKey({ onDone, onClose }: Form<KeyWithSecret>) {
  const { data: me } = useSuspenseQuery(meQuery);
  const [once] = useState(onceKey);
  const asked = useAsked();
  const create = useMutation({
    ...createMutation(once),
    onSuccess: async (made) => {
      await asked();
      onDone(made);
    },
  });
  return (
    <Deed
      title="Make a key"
      act="Make the key"
      pending={create.isPending}
      error={create.error}
      onSubmit={(filled) => create.mutate(requested(filled))}
      onClose={onClose}
    >
      <KeyFields scopes={me.key.scopes} />
    </Deed>
  );
}

export function RotateKey({ of, onDone, onClose }: Form<KeyWithSecret> & { of: Key }) {
  const [once] = useState(onceKey);
  const asked = useAsked();
  const rotate = useMutation({
    ...rotateMutation(of.id, once),
    onSuccess: async (made) => {
      await asked();
      onDone(made);
    },
  });
  return (
    <Deed
      title={`Replace the key ${of.name}`}
      act="Make the new key"
      pending={rotate.isPending}
      error={rotate.error}
      onSubmit={(filled) => rotate.mutate({ overlap_seconds: Number(filled.text("overlap")) })}
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
    </Deed>
  );
}

export function RevokeKey({
  of,
  own,
  onDone,
  onClose,
}: Form<Schemas["RevokedKey"]> & { of: Key; own: boolean }) {
  const asked = useAsked();
  const revoke = useMutation({
    ...revokeMutation(of.id),
    onSuccess: async (revoked) => {
      await asked();
      onDone(revoked);
    },
  });
  return (
    <Deed
      title={`Revoke the key ${of.name}?`}
      act="Revoke"
      danger
      pending={revoke.isPending}
      error={revoke.error}
      onSubmit={(filled) => revoke.mutate({ compromised: filled.text("compromised") === "yes" })}
      onClose={onClose}
    >
      <p className="text-muted">
        Nothing that sends {of.prefix}… works any more, from now on and for good. Videos that were
        asked for are finished.
        {own && " You are signed in with this key, so this signs you out."}
      </p>
      <label className="flex items-start gap-2">
        <input type="checkbox" name="compromised" value="yes" className="mt-1" />
        Others have it: also disable the webhook endpoints that were set up with it, and replace my
        callback secret
      </label>
    </Deed>
  );
}
