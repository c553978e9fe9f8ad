import type { Schemas } from "@/api/client";
import { credits, seconds } from "@/lib/format";
import type { Catalogue, Model } from "./queries";
import type { CatalogueSearch } from "./search";

type Look = "good" | "warning" | "bad" | "calm";

/** Whole days from today on, in UTC; negative once it is over. */
export function daysUntil(day: string, now: Date): number {
  const today = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
  return Math.round((Date.parse(`${day}T00:00:00Z`) - today) / 86_400_000);
}

export function stateOf(model: Model, now: Date): { word: string; look: Look } {
  if (!model.enabled) return { word: "disabled", look: "calm" };
  if (model.retires_on === null) return { word: "offered", look: "good" };
  const days = daysUntil(model.retires_on, now);
  if (days <= 0) return { word: "has retired", look: "bad" };
  return { word: `retires in ${days} ${days === 1 ? "day" : "days"}`, look: "warning" };
}

/** What ends comes first, the soonest at the top; what is not offered comes last. */
export function sorted(models: Model[]): Model[] {
  const rank = (model: Model) => (!model.enabled ? 2 : model.retires_on === null ? 1 : 0);
  return models.toSorted(
    (one, two) =>
      rank(one) - rank(two) ||
      (rank(one) === 0 ? (one.retires_on ?? "").localeCompare(two.retires_on ?? "") : 0),
  );
}

export function matching(models: Model[], { show, q }: CatalogueSearch): Model[] {
  const words = q?.toLowerCase() ?? "";
  return models.filter((model) => {
    if (show === "offered" && !model.enabled) return false;
    if (show === "disabled" && model.enabled) return false;
    if (show === "retiring" && (!model.enabled || model.retires_on === null)) return false;
    if (show === "unpriced" && (!model.enabled || model.unpriced.length === 0)) return false;
    return [model.id, model.provider, model.feature, ...model.aliases].some((name) =>
      name.toLowerCase().includes(words),
    );
  });
}

/** `150 000 to 300 000`, of all its options. */
export function priceOf({ prices }: Model): string {
  if (prices.length === 0) return "no price: refused";
  const all = prices.map((price) => price.credits);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  return least === most ? credits(least) : `${credits(least)} to ${credits(most)}`;
}

/** `2 min 5 s; nine of ten within 6 min 1 s`, or that too few have finished. */
export function usuallyOf(p50: number | null, p90: number | null): string {
  if (p50 === null || p90 === null) return "not known: too few have finished";
  return `${seconds(p50)}; nine of ten within ${seconds(p90)}`;
}

/** What may be sent for an option. */
export function allowedOf({ kind, allowed, minimum, maximum }: Schemas["ModelOption"]): string {
  if (allowed) return allowed.join(", ");
  if (kind === "flag") return "true, false";
  const unit = kind === "text" ? " characters" : kind === "assets" ? " images" : "";
  if (minimum !== null && maximum !== null)
    return `${credits(minimum)} to ${credits(maximum)}${unit}`;
  if (maximum !== null) return `at most ${credits(maximum)}${unit}`;
  return minimum === null ? "any" : `at least ${credits(minimum)}${unit}`;
}

/** Of which requests a rule is. */
export function whenOf(when: Schemas["ModelRule"]["when"]): string {
  const word = (value: unknown) => {
    if (value === null) return "left out";
    return typeof value === "string" ? value : JSON.stringify(value);
  };
  return Object.entries(when)
    .map(([name, values]) => `${name} ${values.map(word).join(" or ")}`)
    .join(", and ");
}

/** What a broken rule does to a request. */
export function effectOf(rule: Schemas["ModelRule"], policy: Catalogue["flagged_rules"]): string {
  if (!rule.flagged) return "refused";
  return policy === "warn" ? "flagged: passed on with a warning" : `flagged: ${policy}`;
}

export const POLICIES: Record<Catalogue["flagged_rules"], string> = {
  refuse: "Requests that break a rule that is not certain are refused before they cost anything.",
  warn: "Requests that break a rule that is not certain are passed on, with a warning.",
  pass: "Rules that are not certain are ignored, and not listed here.",
};

/** Of a price or of what has none: what is chosen. */
export function optionsOf({ duration, resolution }: Schemas["Unpriced"]): string {
  return [duration, resolution ?? "resolution left open"].filter(Boolean).join(", ");
}
