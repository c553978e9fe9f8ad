import type { Me } from "@/api/me";
import { PAGES } from "@/features/desk/desk-frame";
import { ENTRIES } from "./navigation";

export interface Command {
  label: string;
  /** Where it leads. */
  to: string;
  /** What else people may call it. */
  words?: string;
}

const UUID = /[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}/i;

/** The id of a generation in what was typed or pasted, in whichever API's form, or an address with it. */
export function idIn(text: string): string | null {
  const found = UUID.exec(text)?.[0].replaceAll("-", "").toLowerCase();
  return found ? found.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-") : null;
}

/** All that this person may go to. */
export function commandsFor(me: Me): Command[] {
  return [
    ...ENTRIES.filter((entry) => entry.open(me)).map(({ to, label }) => ({ label, to })),
    { label: "Make a key", to: "/keys", words: "new api token" },
    ...PAGES.filter((page) => me.operates || (me.manages_team && !page.operators)).map(
      ({ to, label }) => ({ label: `Desk: ${label}`, to }),
    ),
  ];
}

/** Those that have every word that was typed; with an id, first the video that has it. */
export function matching(typed: string, commands: Command[]): Command[] {
  const id = idIn(typed);
  if (id) return [{ label: `Open the video ${id.slice(0, 8)}…`, to: `/videos/${id}` }];
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return commands.filter(({ label, words: others = "" }) => {
    const all = `${label} ${others}`.toLowerCase();
    return words.every((word) => all.includes(word));
  });
}
