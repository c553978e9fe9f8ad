import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { catalogueQuery } from "@/features/catalogue/queries";
import { credits } from "@/lib/format";
import { onceKey } from "@/lib/once";
import { Answer } from "@/ui/answer";
import { Deed } from "@/ui/deed";
import { Choice, Field, Reason } from "@/ui/field";
import { type Price, PRICES, setPriceMutation, withdrawMutation } from "./queries";
import { matchOf, priced, pricedBy } from "./words";

interface Form {
  /** Is told what has changed, once the gateway has said so. */
  onDone: (said: string) => void;
  onClose: () => void;
}

/** After a change, prices and what models cost are asked for again. */
function useChanged(onDone: (said: string) => void) {
  const queries = useQueryClient();
  return async (said: string) => {
    await Promise.all([
      queries.invalidateQueries({ queryKey: PRICES }),
      queries.invalidateQueries({ queryKey: catalogueQuery.queryKey }),
    ]);
    onDone(said);
  };
}

export function SetPrice({ onDone, onClose }: Form) {
  const query = useQuery(catalogueQuery);
  const models = query.data?.data ?? [];
  const [once] = useState(onceKey);
  const [chosen, setChosen] = useState("");
  const [ends, setEnds] = useState(false);
  const model = models.find((one) => one.id === chosen) ?? models[0];
  const changed = useChanged(onDone);
  const set = useMutation({
    ...setPriceMutation(once),
    onSuccess: (price) =>
      changed(
        price.credits === null
          ? `The price of ${matchOf(price.match)} ends.`
          : `${matchOf(price.match)} costs ${credits(price.credits)} credits, ${price.state === "upcoming" ? "from its date on" : "from now on"}.`,
      ),
  });
  return (
    <Deed
      title="Set a price"
      act="Set the price"
      pending={set.isPending || query.isPending}
      error={set.error}
      onSubmit={(filled) => model && set.mutate(priced(filled, model))}
      onClose={onClose}
    >
      <Answer query={query} what="the models">
        {() => (
          <>
            <Choice
              label="Model"
              value={model?.id ?? ""}
              onChange={(event) => setChosen(event.target.value)}
            >
              {models.map((one) => (
                <option key={one.id} value={one.id}>
                  {one.id}
                  {!one.enabled && " (not offered)"}
                </option>
              ))}
            </Choice>
            <div key={model?.id} className="grid gap-4 sm:grid-cols-2">
              {model &&
                pricedBy(model).map(({ name, allowed }) => (
                  <Choice key={name} label={name} name={`option ${name}`} defaultValue="">
                    <option value="">whatever it is</option>
                    {allowed.map((value) => (
                      <option key={value}>{value}</option>
                    ))}
                  </Choice>
                ))}
            </div>
          </>
        )}
      </Answer>
      <Field label="Credits" name="credits" type="number" min={1} required={!ends} disabled={ends} />
      <label className="flex items-start gap-2">
        <input
          type="checkbox"
          name="ends"
          value="yes"
          className="mt-1"
          checked={ends}
          onChange={(event) => setEnds(event.target.checked)}
        />
        No credits: end the price of these options. Then the next less specific one counts, or the
        price file; where that has none, requests are refused.
      </label>
      <Field
        label="From"
        name="effective_at"
        type="datetime-local"
        hint="In your time zone. Empty: from now on. What was accepted before keeps its price."
      />
      <Reason hint="Kept with the price and in the audit log." />
    </Deed>
  );
}

export function Withdraw({ of, onDone, onClose }: Form & { of: Price }) {
  const changed = useChanged(onDone);
  const withdraw = useMutation({
    ...withdrawMutation(of.id),
    onSuccess: (price) => changed(`The price of ${matchOf(price.match)} never counts.`),
  });
  return (
    <Deed
      title={`Withdraw the price of ${matchOf(of.match)}`}
      act="Withdraw"
      danger
      pending={withdraw.isPending}
      error={withdraw.error}
      onSubmit={(filled) => withdraw.mutate({ reason: filled.text("reason") })}
      onClose={onClose}
    >
      <p className="text-muted">What counts now goes on counting.</p>
      <Reason hint="Kept with the price and in the audit log." />
    </Deed>
  );
}
