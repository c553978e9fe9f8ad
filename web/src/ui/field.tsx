import { type ComponentProps, type ReactNode, useId } from "react";
import { classes } from "@/lib/classes";

const BOX =
  "mt-1 w-full rounded-md border border-control bg-surface px-3 py-1.5 text-sm text-text placeholder:text-muted";

/** An input with its label, and a hint that readers are told, too. */
export function Field({
  label,
  hint,
  className,
  ...rest
}: ComponentProps<"input"> & { label: string; hint?: string | undefined }) {
  const id = useId();
  return (
    <div className={className}>
      <label htmlFor={id} className="text-sm font-medium text-text">
        {label}
      </label>
      <input
        id={id}
        aria-describedby={hint ? `${id}-hint` : undefined}
        className={BOX}
        autoComplete="off"
        {...rest}
      />
      {hint && (
        <p id={`${id}-hint`} className="mt-1 text-xs text-muted">
          {hint}
        </p>
      )}
    </div>
  );
}

export function Choice({
  label,
  children,
  className,
  ...rest
}: ComponentProps<"select"> & { label: string; children: ReactNode }) {
  const id = useId();
  return (
    <div className={className}>
      <label htmlFor={id} className="text-sm font-medium text-text">
        {label}
      </label>
      <select id={id} className={classes(BOX, "pr-8")} {...rest}>
        {children}
      </select>
    </div>
  );
}

/** Why, as the audit log keeps it. */
export function Reason({ hint, required = true }: { hint?: string; required?: boolean }) {
  return (
    <Field
      label="Reason"
      name="reason"
      required={required}
      maxLength={500}
      hint={hint ?? "For the audit log."}
    />
  );
}
