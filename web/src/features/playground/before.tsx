import type { ReactNode } from "react";
import { credits, seconds } from "@/lib/format";
import { Failure } from "@/ui/notices";
import { Moment } from "@/ui/moment";
import type { Estimate } from "./queries";

const REFUSALS: Record<NonNullable<Estimate["binding_limit"]>, string> = {
  suspended: "You are suspended",
  paused: "An operator has paused the gateway; it accepts no new generations for now",
  rate_per_minute: "Too many requests",
  key_rate_per_minute: "Too many requests with this key",
  max_open: "Too many generations are in progress",
  key_max_open: "Too many generations of this key are in progress",
  key_credit_limit: "The credit limit of the key does not cover this request",
  member_credit_limit: "The credit limit of the member does not cover this request",
  team_credit_limit: "The credit limit of the team does not cover this request",
};

/** What is known before the button: price, what is left, how long it takes, and what speaks against it. */
export function Before({ estimate, error, busy }: { estimate: Estimate | undefined; error: unknown; busy: boolean }) {
  return (
    <section aria-label="Before you generate" aria-busy={busy} className="text-sm">
      {error ? <Failure error={error} /> : null}
      {estimate && !error && <Figures of={estimate} />}
      {!estimate && !error && <p className="text-muted">Asking what it costs …</p>}
    </section>
  );
}

function Figures({ of }: { of: Estimate }) {
  const { binding } = of.credits;
  const { expected } = of;
  return (
    <>
      {!of.admissible && of.binding_limit && (
        <p role="status" className="mb-2 rounded-lg bg-warning-soft p-3 text-warning">
          It would be refused now. {REFUSALS[of.binding_limit]}
          {of.binding_limit.endsWith("max_open") && ` (${of.open} of ${of.max_open})`}.{" "}
          {of.retry_after_seconds === null
            ? "It needs somebody who may change that."
            : `It may be accepted in ${seconds(of.retry_after_seconds)}.`}
        </p>
      )}
      <dl className="grid grid-cols-2 gap-x-4 gap-y-2 rounded-lg border border-border bg-raised p-3 sm:grid-cols-3">
        <Figure name="Price">
          <strong>{credits(of.quote_credits)}</strong> credits
          {of.quote_money && (
            <span className="block text-xs text-muted">
              {of.quote_money.amount} {of.quote_money.currency}
            </span>
          )}
          {of.price_change && (
            <span className="block text-xs text-warning">
              from <Moment at={of.price_change.effective_at} />:{" "}
              {of.price_change.credits === null ? "no price" : credits(of.price_change.credits)}
            </span>
          )}
        </Figure>
        <Figure name="Left">
          {credits(of.credits.remaining_credits)} credits
          <span className="block text-xs text-muted">
            by the limit of the {binding.account}
            {binding.resets_at && (
              <>
                , until <Moment at={binding.resets_at} />
              </>
            )}
          </span>
        </Figure>
        <Figure name="Takes">
          {expected.duration_p50_seconds === null ? (
            <span className="text-muted">too few made to tell</span>
          ) : (
            <>
              {seconds(expected.duration_p50_seconds)}
              {expected.duration_p90_seconds !== null && (
                <span className="block text-xs text-muted">
                  nine in ten within {seconds(expected.duration_p90_seconds)}
                </span>
              )}
            </>
          )}
          {expected.wait_p50_seconds !== null && (
            <span className="block text-xs text-muted">
              after a wait of {seconds(expected.wait_p50_seconds)}
              {expected.wait_p90_seconds !== null && ` to ${seconds(expected.wait_p90_seconds)}`}
            </span>
          )}
          {expected.queued_ahead > 0 && (
            <span className="block text-xs text-muted">{expected.queued_ahead} are ahead of it</span>
          )}
        </Figure>
      </dl>
    </>
  );
}

function Figure({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-muted">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
