const THIN = "\u202f";

/** `300000` as `300 000`, with thin spaces that do not break. */
export function credits(amount: number): string {
  return String(amount).replace(/\B(?=(\d{3})+$)/g, THIN);
}

/** In the viewer's zone. */
export function instant(iso: string): string {
  return new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

/** In the viewer's zone, short: a list shows the rest on hover. */
export function day(iso: string): string {
  return new Date(iso).toLocaleDateString(undefined, { day: "numeric", month: "short" });
}

/** `412.3` as `6 min 52 s`. */
export function seconds(value: number): string {
  const whole = Math.round(value);
  const minutes = Math.floor(whole / 60);
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let scaled = value;
  let unit = 0;
  while (scaled >= 1000 && unit < units.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? scaled : scaled.toFixed(1)} ${units[unit] ?? ""}`;
}
