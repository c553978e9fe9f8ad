import type { Schemas } from "@/api/client";
import type { Filled } from "@/ui/deed";

/** `ray-v3, duration 10s`: what a price is of. */
export function matchOf(match: Record<string, unknown>): string {
  const { model, ...others } = match;
  return [String(model), ...Object.entries(others).map(([name, value]) => `${name} ${String(value)}`)].join(
    ", ",
  );
}

/** Options by which a model can have prices, and what each may be. */
export function pricedBy(model: Schemas["ManagedModel"]): { name: string; allowed: string[] }[] {
  return model.options.flatMap(({ name, kind, allowed }) => {
    if (kind === "flag") return [{ name, allowed: ["true", "false"] }];
    return kind === "choice" && allowed ? [{ name, allowed }] : [];
  });
}

/** The body of a price. An option that is left open is in none of its match. */
export function priced(filled: Filled, model: Schemas["ManagedModel"]): Schemas["PriceRequest"] {
  const flags = new Set(model.options.filter(({ kind }) => kind === "flag").map(({ name }) => name));
  const match: Record<string, unknown> = { model: model.id };
  for (const { name } of pricedBy(model)) {
    const value = filled.text(`option ${name}`);
    if (value) match[name] = flags.has(name) ? value === "true" : value;
  }
  return {
    match,
    credits: filled.text("ends") ? null : filled.numberOrNull("credits"),
    effective_at: filled.instantOrNull("effective_at"),
    reason: filled.text("reason"),
  };
}
