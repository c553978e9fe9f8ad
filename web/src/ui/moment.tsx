import { instant, toTheSecond } from "@/lib/format";

/** An instant in the viewer's zone; in UTC to the second for whoever points at it. */
export function Moment({ at, exact = false }: { at: string; exact?: boolean }) {
  return (
    <time dateTime={at} title={`${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`}>
      {exact ? toTheSecond(at) : instant(at)}
    </time>
  );
}
