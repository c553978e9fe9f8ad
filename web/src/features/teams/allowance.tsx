import type { Schemas } from "@/api/client";
import { credits } from "@/lib/format";
import { Choice, Field } from "@/ui/field";

type Period = Schemas["Period"];

/** `300 000 a day`, or that there is none. */
export function limitOf(limit: number | null, period: Period): string {
  if (limit === null) return "none";
  return credits(limit) + (period === "none" ? "" : ` a ${period}`);
}

/** The two fields of a limit. */
export function Allowance({
  limit,
  period,
  required = false,
}: {
  limit: number | null;
  period: Period;
  required?: boolean;
}) {
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field
        label="Credits at most"
        name="credit_limit"
        type="number"
        min={0}
        required={required}
        defaultValue={limit ?? ""}
        hint={required ? undefined : "Empty: no limit."}
      />
      <Choice label="In each" name="credit_period" defaultValue={period}>
        <option value="none">for all time</option>
        <option>day</option>
        <option>week</option>
        <option>month</option>
      </Choice>
    </div>
  );
}
