import { BOX, describedBy, type FieldProps, Hint, Name, Said } from "./field-frame";
import { said, type Value } from "./rules";

const SHAPE = /^([1-9]\d{0,3}):([1-9]\d{0,3})$/;
/** More than these are a list that opens. */
const MOST_BUTTONS = 8;
const OPEN = "left open";

/** One of some values, each with the reason where a rule bars it. */
export function ChoiceField({
  value,
  barredBy,
  onChange,
  ...field
}: FieldProps & {
  value: Value | undefined;
  barredBy: (value: Value | undefined) => string | null;
  onChange: (value: Value | undefined) => void;
}) {
  const { option, id, demanded } = field;
  const values: (Value | undefined)[] = option.kind === "flag" ? [true, false] : [...(option.allowed ?? [])];
  if (!option.required) values.push(undefined);
  // What is chosen already stays in reach, however it came to be.
  const choices = values.map((one) => ({ one, reason: one === value ? null : barredBy(one) }));
  const reasons = choices.filter(({ reason, one }) => reason && !(one === undefined && demanded));
  const frame = {
    "aria-describedby": describedBy(field, reasons.length > 0),
    "aria-invalid": field.issues.length > 0,
  };
  const why = reasons.length > 0 && (
    <Hint id={`${id}-more`}>
      {reasons.map(({ one, reason }) => (
        <span key={said(one)} className="block">
          Not {said(one)}: {reason}.
        </span>
      ))}
    </Hint>
  );
  if (choices.length > MOST_BUTTONS)
    return (
      <div>
        <label htmlFor={id} className="text-sm font-medium">
          <Name {...field} />
        </label>
        <select
          id={id}
          className={BOX}
          value={value === undefined ? OPEN : said(value)}
          required={demanded}
          onChange={(event) => onChange(values.find((one) => said(one) === event.target.value))}
          {...frame}
        >
          {choices.map(({ one, reason }) => (
            <option key={said(one)} value={said(one)} disabled={reason !== null}>
              {said(one)}
            </option>
          ))}
        </select>
        {why}
        <Said field={field} />
      </div>
    );
  return (
    <fieldset aria-describedby={frame["aria-describedby"]}>
      <legend className="text-sm font-medium">
        <Name {...field} />
      </legend>
      <div className="mt-1 flex flex-wrap gap-1.5">
        {choices.map(({ one, reason }, place) => (
          <label
            key={said(one)}
            className="flex min-h-9 cursor-pointer items-center gap-1.5 rounded-md border border-control bg-surface px-3 py-1 text-sm has-[:checked]:border-accent has-[:checked]:bg-accent-soft has-[:checked]:font-medium has-[:checked]:text-accent has-[:disabled]:cursor-not-allowed has-[:disabled]:border-dashed has-[:disabled]:opacity-60 has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-offset-2 has-[:focus-visible]:outline-accent"
          >
            <input
              type="radio"
              id={place === 0 ? id : undefined}
              name={id}
              className="sr-only"
              required={demanded}
              checked={one === value}
              disabled={reason !== null}
              aria-describedby={reason === null ? undefined : `${id}-more`}
              onChange={() => onChange(one)}
            />
            <Shape of={one} />
            {said(one)}
          </label>
        ))}
      </div>
      {why}
      <Said field={field} />
    </fieldset>
  );
}

/** Of an aspect ratio, as it looks. */
function Shape({ of }: { of: Value | undefined }) {
  const found = typeof of === "string" ? SHAPE.exec(of) : null;
  if (!found) return null;
  const [width, height] = [Number(found[1]), Number(found[2])];
  const scale = 14 / Math.max(width, height);
  return (
    <svg aria-hidden viewBox="0 0 16 16" className="size-4 fill-none stroke-current">
      <rect
        x={8 - (width * scale) / 2}
        y={8 - (height * scale) / 2}
        width={width * scale}
        height={height * scale}
        rx="1"
        strokeWidth="1.5"
      />
    </svg>
  );
}
