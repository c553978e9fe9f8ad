import { useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useId, useRef, useState } from "react";
import { meQuery } from "@/api/me";
import { classes } from "@/lib/classes";
import { type Command, commandsFor, matching } from "./commands";

/** A field that narrows down a list of places; Enter goes to the one that is marked. */
export function Palette({ onClose }: { onClose: () => void }) {
  const { data: me } = useSuspenseQuery(meQuery);
  const navigate = useNavigate();
  const dialog = useRef<HTMLDialogElement>(null);
  const list = useId();
  const [typed, setTyped] = useState("");
  const [marked, setMarked] = useState(0);
  const found = matching(typed, commandsFor(me));
  const chosen = found[Math.min(marked, found.length - 1)];
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  useEffect(() => {
    dialog.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [chosen]);

  function go(command: Command | undefined) {
    if (!command) return;
    dialog.current?.close();
    void navigate({ to: command.to });
  }

  function pressed(key: string): boolean {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const step = steps[key];
    if (step !== undefined && found.length > 0)
      setMarked((at) => (Math.min(at, found.length - 1) + step + found.length) % found.length);
    else if (key === "Enter") go(chosen);
    else return false;
    return true;
  }

  return (
    <dialog
      ref={dialog}
      aria-label="Go to"
      onClose={onClose}
      onClick={(event) => {
        if (event.target === dialog.current) dialog.current.close();
      }}
      className="mx-auto mt-[15vh] w-[min(32rem,calc(100vw-2rem))] rounded-xl border border-border bg-surface p-0 text-text"
    >
      <input
        role="combobox"
        aria-label="A page, or the id of a video"
        aria-expanded
        aria-controls={list}
        aria-activedescendant={chosen && `${list}-${found.indexOf(chosen)}`}
        aria-autocomplete="list"
        autoComplete="off"
        spellCheck={false}
        placeholder="A page, or the id of a video"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setMarked(0);
        }}
        onKeyDown={(event) => {
          if (pressed(event.key)) event.preventDefault();
        }}
        className="w-full rounded-t-xl bg-surface px-4 py-3 outline-offset-[-2px] placeholder:text-muted"
      />
      <ul id={list} role="listbox" aria-label="Found" className="max-h-80 overflow-y-auto border-t border-border p-1">
        {found.map((command, at) => (
          <li
            key={command.label}
            id={`${list}-${at}`}
            role="option"
            aria-selected={command === chosen}
            onClick={() => {
              go(command);
            }}
            className={classes(
              "cursor-pointer rounded-md px-3 py-2 text-sm hover:bg-sunken",
              command === chosen && "bg-accent-soft text-accent",
            )}
          >
            {command.label}
          </li>
        ))}
      </ul>
      <p role="status" className={classes("text-sm text-muted", found.length === 0 && "px-4 pb-3")}>
        {found.length === 0 && "Nothing has this name. Ids are those of generations, in any API's form."}
      </p>
    </dialog>
  );
}
