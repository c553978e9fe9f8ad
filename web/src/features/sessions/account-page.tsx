import { useSuspenseQuery } from "@tanstack/react-query";
import { meQuery } from "@/api/me";
import { CreditRequests } from "@/features/account/credit-requests";
import { Notices } from "@/features/account/notices";
import { credits } from "@/lib/format";
import { SessionList } from "./session-list";

/** Who is signed in, with which key, what is left, and where else. */
export function AccountPage() {
  const { data: me } = useSuspenseQuery(meQuery);
  const { binding, remaining_credits } = me.credits;
  return (
    <>
      <h1 className="text-xl font-semibold">Account</h1>
      <dl className="mt-4 grid max-w-xl grid-cols-[auto_1fr] gap-x-6 gap-y-2 text-sm">
        <dt className="text-muted">Member</dt>
        <dd>
          {me.team.name}/{me.name}
        </dd>
        <dt className="text-muted">Signed in with</dt>
        <dd>
          <code className="font-mono text-xs">{me.key.prefix}…</code> ({me.key.name})
        </dd>
        <dt className="text-muted">Left to spend</dt>
        <dd>
          {credits(remaining_credits)} credits, by the limit of the {binding.account}
        </dd>
        <dt className="text-muted">In progress</dt>
        <dd>
          {me.open} of at most {me.max_open}
        </dd>
      </dl>
      <h2 className="mt-8 mb-3 text-lg font-semibold">Signed in</h2>
      <SessionList />
      <CreditRequests />
      <Notices />
    </>
  );
}
