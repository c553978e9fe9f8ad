import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Answer } from "@/ui/answer";
import { answerQuery } from "./queries";

/** The upstream's own words. They may name the account, so they are fetched only for who asks. */
export function Said({ id }: { id: string }) {
  const [open, setOpen] = useState(false);
  const query = useQuery({ ...answerQuery(id), enabled: open });
  return (
    <details className="mt-4 text-sm" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="font-medium">What the upstream said</summary>
      {open && (
        <Answer query={query} what="what it said">
          {({ answer }) => (
            <pre
              tabIndex={0}
              className="mt-2 max-h-64 overflow-auto rounded bg-sunken p-3 font-mono text-xs whitespace-pre-wrap"
            >
              {answer ?? "No more than the state says."}
            </pre>
          )}
        </Answer>
      )}
    </details>
  );
}
