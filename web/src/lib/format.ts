const THIN = "\u202f";

/** `300000` as `300 000`, with thin spaces that do not break. */
export function credits(amount: number): string {
  return String(amount).replace(/\B(?=(\d{3})+$)/g, THIN);
}

/** In the viewer's zone. */
export function instant(iso: string): string {
  return new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

/** In the viewer's zone, for what happens within a minute. */
export function toTheSecond(iso: string): string {
  return new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
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

/** Of longer times: `187 200` as `2 d 4 h`, `4 980` as `1 h 23 min`. */
export function span(value: number): string {
  const minutes = Math.floor(Math.max(0, value) / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours > 0 ? `${hours} h ${minutes % 60} min` : seconds(Math.max(0, value));
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
