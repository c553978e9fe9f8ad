import type { Body, Model, Option } from "./queries";
import { barred, type Issue, isBroken, type Value, type Values, withValue } from "./rules";

/** What belongs to a request and not to its model. */
export interface Extras {
  user?: string;
  callback_url?: string;
  metadata?: Record<string, string>;
}

export interface Asked {
  model: string;
  values: Values;
  extras: Extras;
}

/** As in the example of 1min.ai's page, where a model has these choices. */
const USUAL: Values = { aspect_ratio: "16:9", resolution: "720p", loop: false };
const ABOUT_THE_REQUEST = ["feature", "model", "user", "callback_url", "metadata"];

/**
 * The values that a form begins with: what is kept of the last model, else the defaults, so that no
 * rule is broken. Texts and images have none of their own.
 */
export function begun(model: Model, kept: Values = {}): Values {
  let values: Values = {};
  const open = new Set(model.options.map((option) => option.name));
  for (const option of model.options) {
    open.delete(option.name);
    const decided = (candidate: Value | undefined) => {
      const tried = withValue(values, option.name, candidate);
      return !model.rules.some(
        (rule) =>
          !rule.flagged && Object.keys(rule.when).every((name) => !open.has(name)) && isBroken(rule, tried),
      );
    };
    const candidates = candidatesOf(model, option, kept[option.name]);
    const found = candidates.find(decided);
    values = withValue(values, option.name, found);
  }
  return values;
}

function candidatesOf(model: Model, option: Option, kept: Value | undefined): (Value | undefined)[] {
  const found: (Value | undefined)[] = [];
  const given = [kept, USUAL[option.name], model.defaults[option.name] as Value | undefined];
  for (const value of given) {
    const coerced = value === undefined ? undefined : valueOf(option, value);
    if (coerced !== undefined) found.push(coerced);
  }
  if (!option.required) found.push(undefined);
  if (option.kind === "choice") found.push(...(option.allowed ?? []));
  if (option.kind === "flag") found.push(false, true);
  return found;
}

/** A value as this option has them; undefined if it is none. */
export function valueOf(option: Option, value: unknown): Value | undefined {
  switch (option.kind) {
    case "choice":
      return option.allowed?.find((one) => one === String(value));
    case "flag":
      if (typeof value === "boolean") return value;
      return value === "true" ? true : value === "false" ? false : undefined;
    case "integer":
    case "number": {
      const number = typeof value === "string" && value.trim() ? Number(value) : value;
      return typeof number === "number" && Number.isFinite(number) ? number : undefined;
    }
    case "assets": {
      const list: unknown[] = Array.isArray(value) ? value : [value];
      return list.every((one) => typeof one === "string") ? list : undefined;
    }
    default:
      if (typeof value === "string") return value;
      return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
  }
}

/** The request of a form, in the order in which the model lists its options. */
export function bodyOf(model: Model, { values, extras }: Asked): Body {
  const chosen: Body = {};
  for (const { name } of model.options) {
    const value = values[name];
    if (value !== undefined && value !== "") chosen[name] = value;
  }
  return { feature: model.feature, model: model.id, ...chosen, ...extras };
}

/**
 * With something in place of each text and image that is still missing, so that the price of a
 * form can be told before it is complete: it does not depend on them.
 */
export function estimable(model: Model, body: Body): Body {
  const filled = { ...body };
  for (const { name, kind, required, minimum } of model.options) {
    const value = filled[name];
    if (!required || (typeof value === "string" && value.trim())) continue;
    if (kind === "text") filled[name] = "-".repeat(Math.max(1, minimum ?? 1));
    if (kind === "asset" && value === undefined) filled[name] = NO_IMAGE;
    if (kind === "assets" && value === undefined)
      filled[name] = Array.from({ length: Math.max(1, minimum ?? 1) }, () => NO_IMAGE);
  }
  return filled;
}

const NO_IMAGE = "00000000-0000-0000-0000-000000000000";

/** A body that somebody has written, as a form has it, and what no form can have. */
export function readBody(body: unknown, models: Model[]): { asked?: Asked; issues: Issue[] } {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    return { issues: [{ field: "", message: "must be an object" }] };
  const given = body as Body;
  const model = models.find((one) => one.id === given.model || one.aliases.includes(String(given.model)));
  if (!model) {
    const allowed = models.map((one) => one.id).join(", ");
    return { issues: [{ field: "model", message: `must be one of ${allowed}` }] };
  }
  const issues: Issue[] = [];
  if (given.feature !== model.feature)
    issues.push({ field: "feature", message: `must be ${model.feature} for ${model.id}` });
  let values: Values = {};
  for (const [name, value] of Object.entries(given)) {
    if (ABOUT_THE_REQUEST.includes(name)) continue;
    const option = model.options.find((one) => one.name === name);
    const read = option && exactly(option, value);
    if (!option) {
      const allowed = [...ABOUT_THE_REQUEST, ...model.options.map((one) => one.name)].join(", ");
      issues.push({ field: name, message: `unknown field; allowed fields are ${allowed}` });
    } else if (read === undefined) issues.push({ field: name, message: expected(option) });
    else values = withValue(values, name, read);
  }
  const extras = extrasOf(given, issues);
  return { asked: { model: model.id, values, extras }, issues };
}

/** Of the right type of JSON. Whether it is in its range is told beside the field. */
function exactly(option: Option, value: unknown): Value | undefined {
  const type = { flag: "boolean", integer: "number", number: "number" }[option.kind] ?? "string";
  if (option.kind === "assets") return Array.isArray(value) ? valueOf(option, value) : undefined;
  return typeof value === type ? (value as Value) : undefined;
}

function expected({ kind, allowed }: Option): string {
  if (kind === "choice") return `must be one of ${allowed?.join(", ")}`;
  const words = { flag: "true or false", integer: "a whole number", number: "a number" }[kind];
  return `must be ${words ?? (kind === "assets" ? "a list of ids of images" : "a text")}`;
}

/** What of these is no text is an issue. */
export function extrasOf(given: Record<string, unknown>, issues: Issue[] = []): Extras {
  const extras: Extras = {};
  for (const name of ["user", "callback_url"] as const) {
    const value = given[name];
    if (typeof value === "string") extras[name] = value;
    else if (value !== undefined) issues.push({ field: name, message: "must be a text" });
  }
  const tags = given.metadata;
  if (tags === undefined) return extras;
  if (typeof tags === "object" && tags !== null && !Array.isArray(tags)) {
    const entries = Object.entries(tags as Record<string, unknown>);
    if (entries.every(([, value]) => typeof value === "string"))
      return { ...extras, metadata: Object.fromEntries(entries) as Record<string, string> };
  }
  issues.push({ field: "metadata", message: "must be an object with texts" });
  return extras;
}

/** Whether a rule leaves no way but to choose this option. */
export function isDemanded(model: Model, values: Values, { name, required }: Option): boolean {
  return required || barred(model, values, name, undefined) !== null;
}
