import type { Schemas } from "@/api/client";
import { effectOf, MEANT, type Outcome } from "./resolve";

/** One outcome of several, each with what it means and what it does to the credits. */
export function OutcomeChoice({
  of,
  legend,
  chosen,
  disabled = false,
  onChange,
}: {
  of: Schemas["OutcomeDocument"][];
  legend: string;
  chosen: Outcome | null;
  disabled?: boolean;
  onChange: (outcome: Outcome) => void;
}) {
  return (
    <fieldset className="space-y-2" disabled={disabled}>
      <legend className="mb-1 text-muted">{legend}</legend>
      {of.map((one) => {
        const name = one.outcome as Outcome;
        return (
          <label
            key={name}
            className="flex items-start gap-3 rounded-lg border border-border p-3 has-checked:border-accent has-checked:bg-accent-soft"
          >
            <input
              type="radio"
              name="outcome"
              required
              className="mt-1"
              checked={chosen === name}
              onChange={() => onChange(name)}
            />
            <span>
              <span className="font-medium">{name.replace("_", " ")}</span>
              <span className="block">{MEANT[name]}</span>
              <span className="block font-medium">{effectOf(one)}</span>
            </span>
          </label>
        );
      })}
    </fieldset>
  );
}
