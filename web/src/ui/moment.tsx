import { instant } from "@/lib/format";

/** An instant in the viewer's zone; in UTC to the second for whoever points at it. */
export function Moment({ at }: { at: string }) {
  return (
    <time dateTime={at} title={`${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`}>
      {instant(at)}
    </time>
  );
}
