import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import { credits } from "@/lib/format";
import { Deed } from "@/ui/deed";
import { Field, Reason } from "@/ui/field";
import { OutcomeChoice } from "./outcomes";
import { resolveMutation } from "./queries";

export type Outcome = Schemas["Outcome"];

export const MEANT: Record<Outcome, string> = {
  delivered: "The video exists, and you have a link to it.",
  found: "The upstream has a record of it, which decides how it ends.",
  not_made: "It was never made, and not charged.",
  lost: "It was charged, and the video cannot be had.",
};

/** What an outcome does to the credits that are held. */
export function effectOf(one: Schemas["OutcomeDocument"]): string {
  return (
    [
      one.settled_credits > 0 && `${credits(one.settled_credits)} credits are spent`,
      one.released_credits > 0 && `${credits(one.released_credits)} credits go back`,
      one.held_credits > 0 && `${credits(one.held_credits)} credits stay held`,
    ]
      .filter(Boolean)
      .join(", ") || "no credits move"
  );
}

/** A person says how it ended, and why they think so. It cannot be taken back. */
export function Resolve({
  of,
  onDone,
  onClose,
}: {
  of: Schemas["Unknown"];
  onDone: (said: string) => void;
  onClose: () => void;
}) {
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const queries = useQueryClient();
  const resolve = useMutation({
    ...resolveMutation(of.id),
    onSuccess: async (now) => {
      const moved = of.outcomes.find((one) => one.outcome === outcome);
      onDone(
        `${of.team}/${of.member}'s video is ${now.state}` +
          (moved ? `: ${effectOf(moved)}.` : "."),
      );
      await queries.invalidateQueries({ queryKey: ["generations"] });
    },
  });
  const effect = of.outcomes.find((one) => one.outcome === outcome);
  return (
    <Deed
      title="How did it end?"
      act={effect ? `Resolve: ${effectOf(effect)}` : "Resolve"}
      danger
      pending={resolve.isPending}
      error={resolve.error}
      onSubmit={(filled) => {
        if (outcome === null) return;
        resolve.mutate({
          outcome,
          reason: filled.text("reason"),
          ...(outcome === "delivered" && { link: filled.text("link") }),
          ...(outcome === "found" && { upstream_id: filled.text("upstream_id") }),
        });
      }}
      onClose={onClose}
    >
      <OutcomeChoice
        legend="This cannot be taken back."
        of={of.outcomes}
        chosen={outcome}
        onChange={setOutcome}
      />
      {outcome === "delivered" && (
        <Field
          label="Link to the file"
          name="link"
          type="url"
          required
          hint="On a host that videos may be downloaded from."
        />
      )}
      {outcome === "found" && (
        <Field label="The upstream's id" name="upstream_id" required defaultValue={of.upstream_id ?? ""} />
      )}
      <Reason />
    </Deed>
  );
}
