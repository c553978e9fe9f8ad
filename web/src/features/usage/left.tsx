import type { Me } from "@/api/me";
import { credits } from "@/lib/format";
import { Badge, Table } from "@/ui/table";

type Account = Me["credits"]["accounts"][number];

/** Of a period, in the zone in which it ends. */
export function anew({ resets_at, time_zone }: Account): string {
  if (!resets_at) return "never";
  const when = new Date(resets_at).toLocaleString(undefined, {
    dateStyle: "medium",
    timeStyle: "short",
    timeZone: time_zone,
  });
  return `${when}, ${time_zone}`;
}

/** What each of the three accounts allows. The one with the least left binds, and says so. */
export function Left({ of: { binding, accounts, remaining_credits } }: { of: Me["credits"] }) {
  return (
    <>
      <p className="mb-3">
        <strong className="text-2xl">{credits(remaining_credits)}</strong> credits left, by the
        limit of the {binding.account}
        {binding.resets_at ? `. It begins anew on ${anew(binding)}.` : ", which never begins anew."}
      </p>
      <Table
        caption="Limits"
        heads={["Of the", "Limit", "Granted", "Spent", "Held", "Left", "Begins anew"]}
      >
        {accounts.map((account) => (
          <tr key={account.account}>
            <th scope="row" className="font-medium whitespace-nowrap">
              {account.account}{" "}
              {account.account === binding.account && <Badge look="warning">binds</Badge>}
            </th>
            <td className="whitespace-nowrap">
              {account.credit_limit === null ? "none" : credits(account.credit_limit)}
              {account.period !== "none" && ` a ${account.period}`}
            </td>
            <td>{credits(account.granted_credits)}</td>
            <td>{credits(account.settled_credits)}</td>
            <td>{credits(account.held_credits)}</td>
            <td>
              {account.remaining_credits === null ? "no limit" : credits(account.remaining_credits)}
            </td>
            <td className="whitespace-nowrap">{anew(account)}</td>
          </tr>
        ))}
      </Table>
    </>
  );
}
