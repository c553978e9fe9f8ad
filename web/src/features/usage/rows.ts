import type { Usage, UsageRow } from "./queries";
import type { Group } from "./search";

/** What a row is about, in words. */
export function nameOf(row: UsageRow, by: Group): string {
  if (by === "key") return `${row.key ?? "unnamed"} (${row.key_prefix ?? "?"}…)`;
  return row[by] ?? "none";
}

export interface Column {
  day: string;
  settled: number;
  held: number;
}

/** One for each day of the answer, also for those on which nothing was made. */
export function columnsOf(usage: Usage): Column[] {
  const found = new Map(usage.data.map((row) => [row.day, row]));
  const columns: Column[] = [];
  const day = new Date(`${usage.from_day}T00:00:00Z`);
  for (let name = usage.from_day; name <= usage.to_day; ) {
    const row = found.get(name);
    columns.push({ day: name, settled: row?.settled_credits ?? 0, held: row?.held_credits ?? 0 });
    day.setUTCDate(day.getUTCDate() + 1);
    name = day.toISOString().slice(0, 10);
  }
  return columns;
}
