import { ChevronRight } from "lucide-react";
import type { ReactNode } from "react";
import { credits } from "@/lib/format";
import { Moment } from "@/ui/moment";
import { Badge, Table } from "@/ui/table";
import type { Catalogue, Model } from "./queries";
import { allowedOf, effectOf, optionsOf, priceOf, stateOf, usuallyOf, whenOf } from "./words";

/** A model in one line, and all that is known of it below. */
export function ModelCard({
  of,
  policy,
  now,
}: {
  of: Model;
  policy: Catalogue["flagged_rules"];
  now: Date;
}) {
  const { word, look } = stateOf(of, now);
  const unpriced = of.enabled && of.unpriced.length > 0;
  return (
    <li className="rounded-lg border border-border">
      <details className="group">
        <summary className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-3 text-sm">
          <ChevronRight aria-hidden className="size-4 text-muted group-open:rotate-90" />
          <h2 className="font-semibold">{of.id}</h2>
          <span className="text-xs text-muted">
            {of.feature} · {of.provider}
          </span>
          <Badge look={look}>{word}</Badge>
          {unpriced && (
            <Badge look="bad">{of.prices.length > 0 ? "some have no price" : "no price"}</Badge>
          )}
          {of.doubt && <Badge look="warning">in doubt</Badge>}
          <span className="ml-auto text-xs text-muted">{priceOf(of)}</span>
        </summary>
        <div className="space-y-4 border-t border-border p-4 text-sm">
          <About of={of} />
          <Options of={of} />
          <Rules of={of} policy={policy} />
          <Prices of={of} />
        </div>
      </details>
    </li>
  );
}

function About({ of }: { of: Model }) {
  const times = of.expected;
  const facts: [string, ReactNode][] = [
    ["Not offered because", of.enabled ? null : (of.reason ?? "no reason is given")],
    ["Retires on", of.retires_on],
    ["In doubt", of.doubt],
    [
      "Waits in the queue",
      of.enabled && usuallyOf(times.wait_p50_seconds, times.wait_p90_seconds),
    ],
    ["Takes then", of.enabled && usuallyOf(times.duration_p50_seconds, times.duration_p90_seconds)],
    ["Page of 1min.ai", of.title],
    ["Other names", of.aliases.join(", ")],
    ["Fixed by its name", pairsOf(of.fixed)],
    ["Filled in for other APIs", pairsOf(of.defaults)],
    ["From text alone", of.text_model],
    ["Source", `${of.source}, as of ${of.as_of}`],
  ];
  return (
    <dl className="grid gap-x-6 gap-y-3 sm:grid-cols-2 lg:grid-cols-3">
      {facts
        .filter(([, value]) => value !== null && value !== "" && value !== false)
        .map(([name, value]) => (
          <div key={name} className="min-w-0">
            <dt className="text-xs text-muted">{name}</dt>
            <dd className="break-words">{value}</dd>
          </div>
        ))}
    </dl>
  );
}

function pairsOf(values: Record<string, unknown>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}

function Options({ of }: { of: Model }) {
  return (
    <Table
      caption={`Options of ${of.id}`}
      heads={["Option", "At 1min.ai", "Kind", "Required", "Allowed", "Left out means", "What it is"]}
    >
      {of.options.map((option) => (
        <tr key={option.name}>
          <th scope="row" className="font-mono text-xs font-medium">
            {option.name}
          </th>
          <td className="font-mono text-xs">{option.native_name}</td>
          <td>{option.kind}</td>
          <td>{option.required ? "yes" : "no"}</td>
          <td className="min-w-40">{allowedOf(option)}</td>
          <td>{option.default ?? "not said"}</td>
          <td className="min-w-56">{option.description}</td>
        </tr>
      ))}
    </Table>
  );
}

function Rules({ of, policy }: { of: Model; policy: Catalogue["flagged_rules"] }) {
  if (of.rules.length === 0) return <p className="text-muted">No combination is refused.</p>;
  return (
    <Table caption={`Rules of ${of.id}`} heads={["With", "It", "Source", "Is"]}>
      {of.rules.map((rule) => (
        <tr key={`${whenOf(rule.when)} ${rule.reason}`}>
          <th scope="row" className="min-w-40 font-medium">
            {whenOf(rule.when)}
          </th>
          <td className="min-w-56">
            {rule.field}: {rule.reason}
          </td>
          <td>{rule.source}</td>
          <td>
            <Badge look={rule.flagged ? "warning" : "calm"}>{effectOf(rule, policy)}</Badge>
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Prices({ of }: { of: Model }) {
  return (
    <Table caption={`Prices of ${of.id}`} heads={["Of", "Credits", "Price", "Changes"]}>
      {of.prices.map((price) => (
        <tr key={optionsOf(price)}>
          <th scope="row" className="font-medium">
            {optionsOf(price)}
          </th>
          <td>{credits(price.credits)}</td>
          <td>{price.price === "default" ? "of the price file" : "set by an operator"}</td>
          <td className="whitespace-nowrap">
            {price.price_change ? (
              <>
                {price.price_change.credits === null
                  ? "refused"
                  : `${credits(price.price_change.credits)} credits`}{" "}
                from <Moment at={price.price_change.effective_at} />
              </>
            ) : (
              "not planned"
            )}
          </td>
        </tr>
      ))}
      {of.unpriced.map((one) => (
        <tr key={optionsOf(one)}>
          <th scope="row" className="font-medium">
            {optionsOf(one)}
          </th>
          <td colSpan={3}>
            <Badge look="bad">no price: refused</Badge>
          </td>
        </tr>
      ))}
    </Table>
  );
}
