import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import type { Schemas } from "@/api/client";
import { Refused } from "@/api/problem";
import { Deed } from "@/ui/deed";
import { Reason } from "@/ui/field";
import { OutcomeChoice } from "./outcomes";
import { resolve } from "./queries";
import { effectOf, type Outcome } from "./resolve";

type Unknown = Schemas["Unknown"];
/** Those that are the same for all: the others need a link, or an id, for each. */
const OUTCOMES = ["not_made", "lost"] as const satisfies readonly Outcome[];
/** More at once is more than anybody has looked at. */
export const MOST = 50;

/** How one of them ended: its new state, or why it was refused. */
export interface Answered {
  of: Unknown;
  state: Schemas["State"] | null;
  refusal: string | null;
}

/** What an outcome does to the credits of all of them together. */
export function sumOf(chosen: Unknown[], outcome: Outcome): Schemas["OutcomeDocument"] {
  const effects = chosen.flatMap((one) => one.outcomes.filter((each) => each.outcome === outcome));
  const sum = (name: "settled_credits" | "released_credits" | "held_credits") =>
    effects.reduce((total, each) => total + each[name], 0);
  return {
    outcome,
    settled_credits: sum("settled_credits"),
    released_credits: sum("released_credits"),
    held_credits: sum("held_credits"),
  };
}

/** What concerns one generation alone does not hold up the others. */
function ofItAlone(error: unknown): error is Refused {
  return error instanceof Refused && [404, 409].includes(error.problem.status);
}

/** One outcome and one reason for several, sent one after the other; each is guarded by its state. */
export function ResolveMany({
  chosen,
  onDone,
  onClose,
}: {
  chosen: Unknown[];
  onDone: (answers: Answered[], moved: string) => void;
  onClose: () => void;
}) {
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  // What is answered is not sent again, when the rest is.
  const answers = useRef(new Map<string, Answered>());
  const [count, setCount] = useState(0);
  const queries = useQueryClient();
  const all = useMutation({
    mutationFn: async (body: Schemas["ResolveRequest"]) => {
      for (const of of chosen) {
        if (answers.current.has(of.id)) continue;
        try {
          const { state } = await resolve(of.id, body);
          answers.current.set(of.id, { of, state, refusal: null });
        } catch (error) {
          if (!ofItAlone(error)) throw error;
          answers.current.set(of.id, { of, state: null, refusal: error.problem.detail });
        }
        setCount(answers.current.size);
      }
      return [...answers.current.values()];
    },
    onSuccess: async (found, { outcome: said }) => {
      const done = found.filter((one) => one.state !== null).map((one) => one.of);
      onDone(found, effectOf(sumOf(done, said)));
      await queries.invalidateQueries({ queryKey: ["generations"] });
    },
  });
  const rest = chosen.length - count;
  return (
    <Deed
      title={`How did these ${chosen.length} end?`}
      act={outcome ? `Resolve ${rest}: ${effectOf(sumOf(chosen.slice(count), outcome))}` : "Resolve"}
      danger
      pending={all.isPending}
      error={all.error}
      onSubmit={(filled) => {
        if (outcome) all.mutate({ outcome, reason: filled.text("reason") });
      }}
      onClose={onClose}
    >
      <OutcomeChoice
        legend="The same for each of them. This cannot be taken back."
        of={OUTCOMES.map((name) => sumOf(chosen, name))}
        chosen={outcome}
        disabled={count > 0}
        onChange={setOutcome}
      />
      <Reason />
      <p role="status">{count > 0 && `${count} of ${chosen.length} are answered.`}</p>
    </Deed>
  );
}
