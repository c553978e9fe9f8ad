import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Button } from "@/ui/button";
import { sameView, useSavedViews } from "./saved";
import { ManageViews, SaveView } from "./saved-forms";
import { type StoriesSearch, VIEWS } from "./search";

const VIEW =
  "rounded-full border border-border px-3 py-1 text-sm hover:bg-sunken aria-[current=page]:border-accent aria-[current=page]:bg-accent-soft aria-[current=page]:font-semibold aria-[current=page]:text-accent";

/** What is looked for most, one click away: what everybody has, and what a member saved. */
export function Views({ search, member }: { search: StoriesSearch; member: string }) {
  const [saved, change] = useSavedViews(member);
  const [open, setOpen] = useState<"save" | "manage" | null>(null);
  const all = [...VIEWS, ...saved];
  const close = () => setOpen(null);
  return (
    <>
      <div className="mt-3 flex flex-wrap items-center gap-2">
        <nav aria-label="Views" className="flex flex-wrap gap-2">
          {all.map((view) => (
            <Link
              key={view.name}
              to="/desk/generations"
              search={view.search}
              activeOptions={{ exact: true }}
              className={VIEW}
            >
              {view.name}
            </Link>
          ))}
        </nav>
        {!all.some((view) => sameView(view.search, search)) && (
          <Button look="quiet" onClick={() => setOpen("save")}>
            Save this view
          </Button>
        )}
        {saved.length > 0 && (
          <Button look="quiet" onClick={() => setOpen("manage")}>
            Your views
          </Button>
        )}
      </div>
      {open === "save" && (
        <SaveView views={saved} search={search} onChange={change} onClose={close} />
      )}
      {open === "manage" && <ManageViews views={saved} onChange={change} onClose={close} />}
    </>
  );
}
