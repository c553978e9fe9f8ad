import { Plus, X } from "lucide-react";
import { useState } from "react";
import { Button } from "@/ui/button";
import { Field } from "@/ui/field";
import { Wrong } from "./field-frame";
import type { Extras } from "./form";
import type { Issue } from "./rules";

type Row = readonly [string, string];

/** What belongs to the request and not to the video: tags, and whom it is for. */
export function ExtraFields({
  extras,
  issues,
  onChange,
}: {
  extras: Extras;
  issues: Issue[];
  onChange: (extras: Extras) => void;
}) {
  const [rows, setRows] = useState<Row[]>(() => Object.entries(extras.metadata ?? {}));
  const mine = (name: string) => issues.filter(({ field }) => field.split(".")[0] === name);
  const tagged = mine("metadata").map(({ field, message }) => ({
    field,
    message: `${field.split(".").slice(1).join(".")} ${message}`,
  }));
  function changed(name: keyof Extras, value: Extras[keyof Extras]): Extras {
    const all = Object.entries(extras).filter(([other]) => other !== name);
    return Object.fromEntries(value === undefined ? all : [...all, [name, value]]);
  }
  function write(next: Row[]) {
    setRows(next);
    const named = next.filter(([name]) => name.trim());
    onChange(changed("metadata", named.length ? Object.fromEntries(named) : undefined));
  }
  function say(name: "user" | "callback_url", text: string) {
    onChange(changed(name, text || undefined));
  }
  const change = (place: number, row: Row) => write(rows.map((one, at) => (at === place ? row : one)));
  return (
    <details
      className="rounded-lg border border-border p-3 text-sm"
      open={rows.length > 0 || ["user", "callback_url", "metadata"].some((name) => mine(name).length > 0)}
    >
      <summary className="font-medium">Tags and more</summary>
      <fieldset className="mt-3">
        <legend className="font-medium">Tags</legend>
        {rows.map(([name, value], place) => (
          <div key={place} className="mt-1 flex items-end gap-2">
            <Field
              className="min-w-0 flex-1"
              label={`Tag ${place + 1}`}
              value={name}
              placeholder="cost_centre"
              onChange={(event) => change(place, [event.target.value, value])}
            />
            <Field
              className="min-w-0 flex-1"
              label={`Value ${place + 1}`}
              value={value}
              placeholder="4711"
              onChange={(event) => change(place, [name, event.target.value])}
            />
            <Button
              look="quiet"
              aria-label={`Remove tag ${place + 1}`}
              onClick={() => write(rows.toSpliced(place, 1))}
            >
              <X aria-hidden className="size-4" />
            </Button>
          </div>
        ))}
        <Button className="mt-2" onClick={() => setRows([...rows, ["", ""]])}>
          <Plus aria-hidden className="size-4" /> Add a tag
        </Button>
        <Wrong id="play-metadata-wrong" name="Tag" issues={tagged} />
      </fieldset>
      <Field
        className="mt-3"
        label="For"
        value={extras.user ?? ""}
        hint="Your own word for the person whom it is for. It is kept, and never sent to 1min.ai."
        onChange={(event) => say("user", event.target.value)}
      />
      <Wrong id="play-user-wrong" name="For" issues={mine("user")} />
      <Field
        className="mt-3"
        label="Callback URL"
        type="url"
        value={extras.callback_url ?? ""}
        hint="It receives a webhook when the video has ended."
        onChange={(event) => say("callback_url", event.target.value)}
      />
      <Wrong id="play-callback-wrong" name="Callback URL" issues={mine("callback_url")} />
    </details>
  );
}
