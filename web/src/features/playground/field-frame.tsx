import type { ReactNode } from "react";
import { TriangleAlert } from "lucide-react";
import type { Option } from "./queries";
import { type Issue, labelOf } from "./rules";

export interface FieldProps {
  option: Option;
  /** Begins the ids of its parts. */
  id: string;
  demanded: boolean;
  issues: Issue[];
  warnings: Issue[];
}

export const BOX =
  "mt-1 w-full rounded-md border border-control bg-surface px-3 py-1.5 text-sm text-text placeholder:text-muted aria-[invalid=true]:border-danger";

/** What describes a control, for readers: only what is there. */
export function describedBy({ id, option, issues, warnings }: FieldProps, more = false) {
  const parts = [
    option.description && `${id}-help`,
    more && `${id}-more`,
    issues.length > 0 && `${id}-wrong`,
    warnings.length > 0 && `${id}-doubt`,
  ].filter(Boolean);
  return parts.length ? parts.join(" ") : undefined;
}

export function Name({ option, demanded }: Pick<FieldProps, "option" | "demanded">) {
  return (
    <>
      {labelOf(option.name)}
      {demanded && (
        <span aria-hidden className="text-danger">
          {" *"}
        </span>
      )}
    </>
  );
}

/** Below a control: what it is for, what is wrong with it, and what is doubtful. */
export function Said({ field }: { field: FieldProps }) {
  const { option, id, issues, warnings } = field;
  const byDefault = option.default === null ? "" : ` Left open, it is ${option.default}.`;
  return (
    <>
      {option.description && (
        <p id={`${id}-help`} className="mt-1 text-xs text-muted">
          {option.description}
          {byDefault}
        </p>
      )}
      <Wrong id={`${id}-wrong`} name={labelOf(option.name)} issues={issues} />
      {warnings.length > 0 && (
        <p id={`${id}-doubt`} className="mt-1 flex gap-1 text-xs text-warning">
          <TriangleAlert aria-hidden className="size-3.5 shrink-0" />
          {warnings.map((one) => one.message).join("; ")}
        </p>
      )}
    </>
  );
}

export function Wrong({ id, name, issues }: { id: string; name: string; issues: Issue[] }) {
  if (issues.length === 0) return null;
  return (
    <p id={id} className="mt-1 text-xs font-medium text-danger">
      {name} {issues.map((one) => one.message).join("; ")}.
    </p>
  );
}

export function Hint({ id, children }: { id: string; children: ReactNode }) {
  return (
    <p id={id} className="mt-1 text-xs text-muted">
      {children}
    </p>
  );
}
