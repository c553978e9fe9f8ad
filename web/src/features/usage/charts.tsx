import { credits } from "@/lib/format";
import type { Column } from "./rows";

const HEIGHT = 120;

/** Credits by day or month. A table has the same numbers, so it is one picture to readers. */
export function Columns({ columns, every = "day" }: { columns: Column[]; every?: "day" | "month" }) {
  const most = Math.max(1, ...columns.map((one) => one.settled + one.held));
  const scale = HEIGHT / most;
  const first = columns[0]?.day ?? "";
  const last = columns.at(-1)?.day ?? "";
  return (
    <figure className="rounded-lg border border-border p-4">
      <svg
        role="img"
        aria-label={`Credits by ${every} from ${first} to ${last}, at most ${credits(most)} a ${every}`}
        viewBox={`0 0 ${columns.length * 10} ${HEIGHT}`}
        preserveAspectRatio="none"
        className="h-32 w-full"
      >
        {columns.map(({ day, settled, held }, place) => (
          <g key={day}>
            <title>{`${day}: ${credits(settled)} spent, ${credits(held)} held`}</title>
            <rect
              x={place * 10 + 1}
              width={8}
              y={HEIGHT - settled * scale}
              height={settled * scale}
              className="fill-accent"
            />
            <rect
              x={place * 10 + 1}
              width={8}
              y={HEIGHT - (settled + held) * scale}
              height={held * scale}
              className="fill-warning"
            />
          </g>
        ))}
      </svg>
      <figcaption className="mt-2 flex flex-wrap justify-between gap-x-4 text-xs text-muted">
        <span>{first}</span>
        <span>
          <span aria-hidden className="mr-1 inline-block size-2 bg-accent" />
          spent
          <span aria-hidden className="mr-1 ml-3 inline-block size-2 bg-warning" />
          held
        </span>
        <span>{last}</span>
      </figcaption>
    </figure>
  );
}

/** The share of the largest, beside the number that says it. */
export function Bar({ value, most }: { value: number; most: number }) {
  return (
    <svg aria-hidden viewBox="0 0 100 8" preserveAspectRatio="none" className="h-2 w-full min-w-24">
      <rect width={100} height={8} className="fill-sunken" />
      <rect width={most > 0 ? (100 * value) / most : 0} height={8} className="fill-accent" />
    </svg>
  );
}
