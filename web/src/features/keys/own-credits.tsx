import type { Me } from "@/api/me";
import { credits } from "@/lib/format";
import { Moment } from "@/ui/moment";
import type { Key } from "./queries";

type Figures = Pick<
  Key,
  | "credit_limit"
  | "credit_period"
  | "granted_credits"
  | "settled_credits"
  | "held_credits"
  | "remaining_credits"
  | "resets_at"
>;

/** What a key has spent and holds, and what its own limit leaves of it until when. */
export function OwnCredits({ of }: { of: Figures }) {
  const each = of.credit_period === "none" ? "" : ` a ${of.credit_period}`;
  const granted = of.granted_credits > 0 && ` and ${credits(of.granted_credits)} granted`;
  return (
    <>
      {of.credit_limit === null || of.remaining_credits === null ? (
        "no limit of its own"
      ) : (
        <>
          <strong className="font-medium">{credits(of.remaining_credits)} left</strong> of{" "}
          {credits(of.credit_limit)}
          {each}
          {granted}
        </>
      )}
      <span className="block text-xs text-muted">
        {credits(of.settled_credits)} spent, {credits(of.held_credits)} held
        {of.resets_at && (
          <>
            , anew <Moment at={of.resets_at} />
          </>
        )}
      </span>
    </>
  );
}

type Account = Me["credits"]["accounts"][number];

/** The account with the least left of those in which all keys of the member count. */
export function sharedBinding(accounts: Account[]): Account | undefined {
  return accounts
    .filter(({ account, remaining_credits }) => account !== "key" && remaining_credits !== null)
    .sort((a, b) => (a.remaining_credits ?? 0) - (b.remaining_credits ?? 0))[0];
}

/** A key has no more than what its member and team have left, whatever its own limit says. */
export function Together({ accounts }: { accounts: Account[] }) {
  const least = sharedBinding(accounts);
  if (!least || least.remaining_credits === null) return null;
  return (
    <p className="mt-2 text-sm text-muted">
      All your keys together: {credits(least.remaining_credits)} credits left, by the limit of the{" "}
      {least.account}
      {least.resets_at ? (
        <>
          . It begins anew on <Moment at={least.resets_at} />.
        </>
      ) : (
        ", which never begins anew."
      )}
    </p>
  );
}
