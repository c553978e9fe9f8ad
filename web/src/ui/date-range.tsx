import { Field } from "./field";

/** Two days, each of which may be left open. */
export function DateRange({
  from,
  to,
  onChange,
}: {
  from: string | undefined;
  to: string | undefined;
  onChange: (changed: { from?: string; to?: string }) => void;
}) {
  return (
    <>
      <Field
        label="From"
        type="date"
        value={from ?? ""}
        onChange={(event) => onChange({ from: event.target.value })}
      />
      <Field
        label="To"
        type="date"
        value={to ?? ""}
        onChange={(event) => onChange({ to: event.target.value })}
      />
    </>
  );
}
