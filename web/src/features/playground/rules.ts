import type { Model, Option, Rule } from "./queries";

/** Of assets: ids of inputs. What is left open has no value. */
export type Value = string | number | boolean | string[];
export type Values = Readonly<Record<string, Value>>;

/** Something wrong with one option; the rest of a sentence that begins with its name. */
export interface Issue {
  field: string;
  message: string;
}

/** Without what is left open. */
export function withValue(values: Values, name: string, value: Value | undefined): Values {
  const all = Object.entries(values).filter(([other]) => other !== name);
  return Object.fromEntries(value === undefined ? all : [...all, [name, value]]);
}

export function isBroken(rule: Rule, values: Values): boolean {
  return Object.entries(rule.when).every(([name, wrong]) => wrong.includes(values[name] ?? null));
}

/** Why this value of an option is refused beside the others; null if it is not. */
export function barred(
  model: Model,
  values: Values,
  name: string,
  value: Value | undefined,
): string | null {
  const changed = withValue(values, name, value);
  const rule = model.rules.find((one) => !one.flagged && name in one.when && isBroken(one, changed));
  return rule ? `${labelOf(rule.field)} ${rule.reason} (${rule.source})` : null;
}

/** What is doubtful, and asked for all the same. */
export function warningsOf(model: Model, values: Values): Issue[] {
  return model.rules
    .filter((rule) => rule.flagged && isBroken(rule, values))
    .map((rule) => ({ field: rule.field, message: `${rule.reason} (${rule.source})` }));
}

/** What the gateway would refuse, as far as the list of models says it. */
export function issuesOf(model: Model, values: Values): Issue[] {
  const found: Issue[] = [];
  for (const option of model.options) {
    const message = wrongWith(option, values[option.name]);
    if (message) found.push({ field: option.name, message });
  }
  for (const rule of model.rules) {
    if (!rule.flagged && isBroken(rule, values))
      found.push({ field: rule.field, message: `${rule.reason} (${rule.source})` });
  }
  return found;
}

function wrongWith(option: Option, value: Value | undefined): string | null {
  const { kind, required, allowed, minimum, maximum } = option;
  const empty = value === undefined || (typeof value === "string" && value.trim() === "");
  if (empty) return required ? "is required" : value === undefined ? null : "is empty";
  switch (kind) {
    case "choice":
      return allowed?.includes(value as string) ? null : `must be one of ${allowed?.join(", ")}`;
    case "flag":
      return typeof value === "boolean" ? null : "must be true or false";
    case "integer":
    case "number": {
      if (typeof value !== "number" || (kind === "integer" && !Number.isInteger(value)))
        return kind === "integer" ? "must be a whole number" : "must be a number";
      return within(value, option) ? null : `must be ${rangeOf(option)}`;
    }
    case "assets":
      if (!Array.isArray(value)) return "must be a list of images";
      return within(value.length, option) ? null : `must be ${rangeOf(option)} images`;
    default: {
      if (typeof value !== "string") return "must be a text";
      const most = maximum ?? Infinity;
      const least = minimum ?? 0;
      const long = lengthOf(value);
      return long > most || long < least ? `must have ${rangeOf(option)} characters` : null;
    }
  }
}

function within(value: number, { minimum, maximum }: Option): boolean {
  return (minimum === null || minimum <= value) && (maximum === null || value <= maximum);
}

/** Such as `from 0 to 10`; empty where there are no bounds. */
export function rangeOf({ minimum, maximum }: Pick<Option, "minimum" | "maximum">): string {
  if (minimum === null) return maximum === null ? "" : `at most ${maximum}`;
  return maximum === null ? `at least ${minimum}` : `from ${minimum} to ${maximum}`;
}

/** In characters as the gateway counts them, not in halves of them. */
export function lengthOf(text: string): number {
  // A character beyond the first 65,536 is a pair of surrogates here.
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}

/** `aspect_ratio` as `Aspect ratio`. */
export function labelOf(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function said(value: Value | undefined): string {
  if (value === undefined) return "left open";
  return typeof value === "boolean" ? (value ? "on" : "off") : String(value);
}
