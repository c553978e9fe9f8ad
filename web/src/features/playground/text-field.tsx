import { credits } from "@/lib/format";
import { Button } from "@/ui/button";
import { BOX, describedBy, type FieldProps, Hint, Name, Said } from "./field-frame";
import { lengthOf, rangeOf, type Value } from "./rules";

const EXAMPLES = [
  "a majestic lion walking through golden savanna at sunset",
  "a paper boat on a rainy street, seen from just above the water",
  "steam rises from a cup of tea on a windowsill, the city out of focus behind it",
  "an old lighthouse in a storm, waves break against the rocks, wide shot",
];

interface Props extends FieldProps {
  value: Value | undefined;
  onChange: (value: Value | undefined) => void;
}

/** A text, with its length against the most there may be. `main` is the one that says what to see. */
export function TextField({ value, onChange, main, ...field }: Props & { main: boolean }) {
  const { option, id, demanded } = field;
  const text = typeof value === "string" ? value : "";
  return (
    <div>
      <div className="flex items-end justify-between gap-2">
        <label htmlFor={id} className="text-sm font-medium">
          <Name {...field} />
        </label>
        {option.maximum !== null && (
          <span id={`${id}-more`} className="text-xs text-muted">
            {credits(lengthOf(text))} of {credits(option.maximum)}
            <span className="sr-only"> characters</span>
          </span>
        )}
      </div>
      <textarea
        id={id}
        className={BOX}
        rows={main ? 4 : 2}
        value={text}
        required={demanded}
        aria-describedby={describedBy(field, option.maximum !== null)}
        aria-invalid={field.issues.length > 0}
        onChange={(event) => onChange(event.target.value || undefined)}
      />
      {main && text === "" && (
        <div className="mt-1 flex flex-wrap items-center gap-1 text-xs">
          <span className="text-muted">Such as</span>
          {EXAMPLES.map((example) => (
            <Button
              key={example}
              className="min-h-7 max-w-full px-2 py-1 text-left text-xs font-normal"
              onClick={() => onChange(example)}
            >
              {example}
            </Button>
          ))}
        </div>
      )}
      <Said field={field} />
    </div>
  );
}

export function NumberField({ value, onChange, ...field }: Props) {
  const { option, id, demanded } = field;
  const range = rangeOf(option);
  return (
    <div>
      <label htmlFor={id} className="text-sm font-medium">
        <Name {...field} />
      </label>
      <input
        id={id}
        type="number"
        className={BOX}
        value={typeof value === "number" ? value : ""}
        min={option.minimum ?? undefined}
        max={option.maximum ?? undefined}
        step={option.kind === "integer" ? 1 : "any"}
        required={demanded}
        aria-describedby={describedBy(field, range !== "")}
        aria-invalid={field.issues.length > 0}
        onChange={(event) =>
          onChange(event.target.value === "" ? undefined : event.target.valueAsNumber)
        }
      />
      {range && <Hint id={`${id}-more`}>{range}</Hint>}
      <Said field={field} />
    </div>
  );
}
