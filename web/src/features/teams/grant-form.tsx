import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { credits } from "@/lib/format";
import { onceKey } from "@/lib/once";
import { Deed } from "@/ui/deed";
import { Field, Reason } from "@/ui/field";
import { type Form, useChanged } from "./changed";
import { grantMutation, type Grantee } from "./grant-queries";
import { Grants } from "./grants";

/** Which limits a grant leaves as they are. */
const NEVERTHELESS: Record<Grantee["of"], string> = {
  team: "",
  member: "The limit of the team holds nevertheless.",
  key: "The limits of its member and of the team hold nevertheless. Keys that replace it go on with it.",
};

/** Credits beside a limit, below what was granted before. */
export function GrantCredits({ to, onDone, onClose }: Form & { to: Grantee }) {
  const [once] = useState(onceKey);
  const changed = useChanged(onDone);
  const named = to.of === "key" ? `the key ${to.name}` : to.name;
  const grant = useMutation({
    ...grantMutation(to, once),
    onSuccess: (made) => changed(`${credits(made.credits)} credits are granted to ${named}.`),
  });
  return (
    <Deed
      title={`Grant credits to ${named}`}
      act="Grant"
      pending={grant.isPending}
      error={grant.error}
      onSubmit={(filled) =>
        grant.mutate({
          credits: Number(filled.text("credits")),
          ends_at: filled.instantOrNull("ends_at"),
          reason: filled.text("reason"),
        })
      }
      onClose={onClose}
    >
      <p className="text-muted">Beside the limit, until they end. {NEVERTHELESS[to.of]}</p>
      <Field label="Credits" name="credits" type="number" min={1} required />
      <Field
        label="Ends"
        name="ends_at"
        type="datetime-local"
        hint="Empty: with the present period of the limit, or never where it has none."
      />
      <Reason />
      {to.of !== "team" && (
        <section>
          <h3 className="mb-2 font-medium">Granted before</h3>
          <Grants to={to} />
        </section>
      )}
    </Deed>
  );
}
