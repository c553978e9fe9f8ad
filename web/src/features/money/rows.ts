import type { Column } from "@/features/usage/rows";
import type { Usage, UsageRow } from "./queries";
import type { Group } from "./search";

/** What a row is about, in words. `among` all teams, a member or a key has its team. */
export function nameOf(row: UsageRow, by: Group): string {
  if (by === "key") return `${row.key ?? "unnamed"} (${row.key_prefix ?? "?"}…)`;
  return row[by] ?? "none";
}

export function spentOf(row: UsageRow): number {
  return row.settled_credits + row.held_credits;
}

/** One for each day or month of the answer, also for those in which nothing was made. */
export function columnsOf(usage: Usage, every: "day" | "month"): Column[] {
  const found = new Map(usage.data.map((row) => [row[every], row]));
  const columns: Column[] = [];
  const day = new Date(`${usage.from_day}T00:00:00Z`);
  const name = () => day.toISOString().slice(0, every === "day" ? 10 : 7);
  const last = usage.to_day.slice(0, every === "day" ? 10 : 7);
  if (every === "month") day.setUTCDate(1);
  for (; name() <= last; ) {
    const row = found.get(name());
    columns.push({
      day: name(),
      settled: row?.settled_credits ?? 0,
      held: row?.held_credits ?? 0,
    });
    if (every === "day") day.setUTCDate(day.getUTCDate() + 1);
    else day.setUTCMonth(day.getUTCMonth() + 1);
  }
  return columns;
}

/** The first and the last day of a choice of ranges, in the viewer's calendar. */
export function rangeOf(choice: "30 days" | "this month" | "last month" | "this year", now: Date) {
  const day = (year: number, month: number, date: number) => {
    const at = new Date(Date.UTC(year, month, date));
    return at.toISOString().slice(0, 10);
  };
  const [year, month, date] = [now.getFullYear(), now.getMonth(), now.getDate()];
  if (choice === "30 days") return { from: day(year, month, date - 29), to: day(year, month, date) };
  if (choice === "this month") return { from: day(year, month, 1), to: day(year, month, date) };
  if (choice === "last month") return { from: day(year, month - 1, 1), to: day(year, month, 0) };
  return { from: day(year, 0, 1), to: day(year, month, date) };
}

/** `2026-10` for every day of November 2026: the month that may be closed. */
export function lastMonth(now: Date): string {
  return rangeOf("last month", now).from.slice(0, 7);
}
