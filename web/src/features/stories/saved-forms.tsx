import { useState } from "react";
import { Button } from "@/ui/button";
import { Deed, Filled } from "@/ui/deed";
import { Field } from "@/ui/field";
import { Sheet } from "@/ui/sheet";
import { LONGEST, refusalOf, renamed, without } from "./saved";
import type { StoriesSearch, View } from "./search";

const KEPT = "Views are kept in this browser alone, for you. To send one to somebody, send its address.";
const NOT_KEPT = "This browser keeps nothing for pages. Keep the address as a bookmark instead.";

interface Form {
  views: View[];
  /** False: the browser did not keep it. */
  onChange: (views: View[]) => boolean;
  onClose: () => void;
}

export function SaveView({ views, search, onChange, onClose }: Form & { search: StoriesSearch }) {
  const [refusal, setRefusal] = useState("");
  return (
    <Deed
      title="Save this view"
      act="Save"
      pending={false}
      error={null}
      onSubmit={(filled) => {
        const name = filled.text("name");
        const refused =
          refusalOf(views, name) || (onChange([...views, { name, search }]) ? "" : NOT_KEPT);
        setRefusal(refused);
        if (!refused) onClose();
      }}
      onClose={onClose}
    >
      <p className="text-muted">{KEPT}</p>
      <Field label="Name" name="name" required maxLength={LONGEST} placeholder="Failed of films" />
      <Refusal said={refusal} />
    </Deed>
  );
}

/** Gives saved views other names, and deletes them. */
export function ManageViews({ views, onChange, onClose }: Form) {
  const [said, setSaid] = useState("");
  const [refusal, setRefusal] = useState("");
  function change(next: View[], done: string) {
    const kept = onChange(next);
    setSaid(kept ? done : "");
    setRefusal(kept ? "" : NOT_KEPT);
  }
  return (
    <Sheet title="Your views" onClose={onClose}>
      <p className="text-muted">{KEPT}</p>
      <p role="status" className="mt-2 text-success">
        {said}
      </p>
      <Refusal said={refusal} />
      <ul className="mt-2 space-y-3">
        {views.map(({ name }) => (
          <li key={name}>
            <form
              className="flex flex-wrap items-end gap-2"
              onSubmit={(event) => {
                event.preventDefault();
                const to = new Filled(new FormData(event.currentTarget)).text("name");
                const refused = to === name ? "" : refusalOf(views, to, name);
                if (refused) {
                  setSaid("");
                  setRefusal(refused);
                } else change(renamed(views, name, to), `${name} is called ${to} now.`);
              }}
            >
              <Field
                label={`Name of ${name}`}
                name="name"
                required
                maxLength={LONGEST}
                defaultValue={name}
                className="grow"
              />
              <Button type="submit" aria-label={`Rename ${name}`}>
                Rename
              </Button>
              <Button
                look="quiet"
                className="text-danger"
                aria-label={`Delete the view ${name}`}
                onClick={() => change(without(views, name), `The view ${name} is deleted.`)}
              >
                Delete
              </Button>
            </form>
          </li>
        ))}
      </ul>
      {views.length === 0 && <p className="mt-2">No view is saved.</p>}
    </Sheet>
  );
}

function Refusal({ said }: { said: string }) {
  return said ? (
    <p role="alert" className="text-danger">
      {said}
    </p>
  ) : null;
}
