import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Bar } from "@/features/usage/charts";
import { credits } from "@/lib/format";
import { Empty } from "@/ui/notices";
import { Table } from "@/ui/table";
import type { Usage, UsageRow } from "./queries";
import { nameOf, spentOf } from "./rows";
import { type Group, type MoneySearch, moneySearch } from "./search";

const SHOWN = 200;

/** Most first. A team or a model leads to what is of it alone. */
export function Breakdown({ usage, by }: { usage: Usage; by: Group }) {
  const rows = usage.data.toSorted((one, two) => spentOf(two) - spentOf(one));
  if (rows.length === 0)
    return (
      <Empty title="Nothing was made">
        From {usage.from_day} to {usage.to_day}.
      </Empty>
    );
  const most = Math.max(...rows.map(spentOf));
  return (
    <>
      <Table caption={`Spent by ${by}`} heads={[by, "Videos", "Spent", "Held", "Share"]}>
        {rows.slice(0, SHOWN).map((row) => (
          <tr key={row.team_id ?? row.member_id ?? row.key_id ?? nameOf(row, by)}>
            <th scope="row" className="max-w-64 truncate font-medium">
              <Into row={row} by={by}>
                {nameOf(row, by)}
              </Into>
            </th>
            <td>{credits(row.generations)}</td>
            <td>{credits(row.settled_credits)}</td>
            <td>{credits(row.held_credits)}</td>
            <td className="w-1/4">
              <Bar value={spentOf(row)} most={most} />
            </td>
          </tr>
        ))}
      </Table>
      {rows.length > SHOWN && (
        <p className="mt-2 text-sm text-muted">
          The {SHOWN} with the most of {credits(rows.length)}; the CSV has all.
        </p>
      )}
    </>
  );
}

function Into({ row, by, children }: { row: UsageRow; by: Group; children: ReactNode }) {
  const into = intoOf(row, by);
  if (into === null) return children;
  return (
    <Link
      from="/desk/money"
      search={(before) => moneySearch({ ...before, ...into, by: undefined })}
      className="text-accent underline"
    >
      {children}
    </Link>
  );
}

/** What a row leads to: its part alone, by the usual parts of that. */
function intoOf(row: UsageRow, by: Group): Pick<MoneySearch, "team" | "model"> | null {
  if (by === "team" && row.team_id) return { team: row.team_id };
  return by === "model" && row.model ? { model: row.model } : null;
}
