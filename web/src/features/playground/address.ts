import type { Generation } from "@/features/gallery/queries";
import { type Asked, begun, extrasOf, valueOf } from "./form";
import type { Model } from "./queries";
import { type Values, withValue } from "./rules";
import type { PlaySearch } from "./search";

/** Of one value, in characters as an address has them: longer ones are not shared. */
const LONGEST = 6000;

/** The whole form as an address has it, and what was too long for that. */
export function searchOf({ model, values, extras }: Asked): { search: PlaySearch; left: string[] } {
  const left: string[] = [];
  const search: PlaySearch = { model };
  for (const [name, value] of Object.entries({ ...values, ...extras })) {
    if (name === "from" || name === "model") continue;
    if (encodeURIComponent(JSON.stringify(value)).length > LONGEST) left.push(name);
    else search[name] = value;
  }
  return { search, left };
}

/**
 * The form of an address. What it says of no option of the model is left out; what it does not say
 * is left open where it may be, unless it says nothing at all.
 */
export function askedOf(search: PlaySearch, models: Model[], fallback: Model): Asked {
  const model = models.find((one) => one.id === search.model) ?? fallback;
  const names = model.options.map((option) => option.name);
  const extras = extrasOf(search);
  if (!names.some((name) => name in search)) return { model: model.id, values: begun(model), extras };
  let values: Values = {};
  for (const option of model.options) {
    const given = search[option.name];
    values = withValue(values, option.name, given === undefined ? undefined : valueOf(option, given));
  }
  // An address that somebody wrote by hand may leave out what a request may not.
  const usual = begun(model, values);
  for (const { name, required } of model.options) {
    if (required && values[name] === undefined) values = withValue(values, name, usual[name]);
  }
  return { model: model.id, values, extras };
}

/** The request of an earlier video, as far as its model still has it; null if there is none. */
export function remade({ spec, user, metadata }: Generation, models: Model[]): Asked | null {
  const model = models.find((one) => one.id === spec.model);
  if (!model) return null;
  let values: Values = {};
  for (const option of model.options) {
    const said = (spec as Record<string, unknown>)[option.name];
    if (said !== null && said !== undefined)
      values = withValue(values, option.name, valueOf(option, said));
  }
  const extras = extrasOf({
    ...(user !== null && { user }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  });
  return { model: model.id, values, extras };
}
