import { classes } from "@/lib/classes";

/** How much of a budget is used. The words beside it say the same. */
export function Gauge({
  label,
  value,
  most,
  said,
}: {
  label: string;
  value: number;
  most: number;
  said: string;
}) {
  const share = most > 0 ? Math.min(100, (100 * value) / most) : 0;
  return (
    <>
      <span>{said}</span>
      <span
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={most}
        aria-valuenow={Math.min(value, most)}
        aria-valuetext={said}
        className="mt-1 block h-2 overflow-hidden rounded-full bg-sunken"
      >
        <svg aria-hidden viewBox="0 0 100 8" preserveAspectRatio="none" className="block h-2 w-full">
          <rect
            width={share}
            height={8}
            className={classes("fill-accent", share >= 90 && "fill-warning")}
          />
        </svg>
      </span>
    </>
  );
}
