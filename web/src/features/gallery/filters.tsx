import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type ComponentProps, useEffect, useRef } from "react";
import { modelsQuery } from "@/api/models";
import { Button } from "@/ui/button";
import { DateRange } from "@/ui/date-range";
import { Choice, Field } from "@/ui/field";
import { STATES, type VideosSearch, videosSearch } from "./search";

/** Each change is in the address at once, so that a link shows the same. */
export function Filters({ search }: { search: VideosSearch }) {
  const navigate = useNavigate({ from: "/videos" });
  const { data: models } = useQuery(modelsQuery);
  const known = models?.map((model) => model.id) ?? [];
  const names = search.model && !known.includes(search.model) ? [search.model, ...known] : known;
  function change(changed: Record<string, unknown>) {
    // Of what the address has by then: two changes may come before one is shown.
    void navigate({ search: (now) => videosSearch({ ...now, ...changed }), replace: true });
  }
  return (
    <search className="mt-4 grid grid-cols-2 items-end gap-3 sm:grid-cols-3 lg:grid-cols-6">
      <Words
        label="Words of the prompt"
        className="col-span-2 sm:col-span-3 lg:col-span-2"
        type="search"
        maxLength={200}
        value={search.q ?? ""}
        onWords={(q) => change({ q })}
      />
      <Choice
        label="State"
        value={search.state ?? ""}
        onChange={(event) => change({ state: event.target.value })}
      >
        <option value="">any</option>
        {STATES.map((state) => (
          <option key={state}>{state}</option>
        ))}
      </Choice>
      <Choice
        label="Model"
        value={search.model ?? ""}
        onChange={(event) => change({ model: event.target.value })}
      >
        <option value="">any</option>
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </Choice>
      <DateRange from={search.from} to={search.to} onChange={change} />
      <Words
        label="Tag"
        className="col-span-2 sm:col-span-1 lg:col-span-2"
        placeholder="project=spring"
        value={search.tag ?? ""}
        onWords={(tag) => change({ tag })}
      />
      <label className="flex min-h-9 items-center gap-2 text-sm">
        <input
          type="checkbox"
          className="size-4 accent-accent"
          checked={search.favorite ?? false}
          onChange={(event) => change({ favorite: event.target.checked })}
        />
        Favorites only
      </label>
      {Object.keys(search).length > 0 && (
        <Button look="quiet" className="justify-self-start" onClick={() => void navigate({ search: {} })}>
          Clear the filters
        </Button>
      )}
    </search>
  );
}

/** Text that counts once the person is done with it, and follows the address. */
function Words({
  value,
  onWords,
  ...rest
}: Omit<ComponentProps<typeof Field>, "value" | "ref"> & {
  value: string;
  onWords: (words: string) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (input.current) input.current.value = value;
  }, [value]);
  return (
    <Field
      ref={input}
      defaultValue={value}
      onBlur={(event) => {
        if (event.target.value.trim() !== value) onWords(event.target.value);
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter") onWords(event.currentTarget.value);
      }}
      onChange={(event) => {
        // Emptied by the cross in it, too.
        if (event.target.value === "" && value) onWords("");
      }}
      {...rest}
    />
  );
}
