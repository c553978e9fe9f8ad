import { Tabs } from "radix-ui";
import { useState } from "react";
import { ROOT } from "@/lib/place";
import { Button } from "@/ui/button";
import { Section } from "@/ui/table";
import { snippetsOf } from "./code/snippets";
import type { Body, Model } from "./queries";

/** The request of the form, for programs. The key stays where these read it from. */
export function CodePanel({ model, body, complete }: { model: Model; body: Body; complete: boolean }) {
  const found = snippetsOf({ model, body, origin: ROOT.href.replace(/\/$/, "") });
  const [chosen, setChosen] = useState("curl");
  const shown = found.find((one) => one.id === chosen) ?? found[0];
  if (!shown) return null;
  return (
    <Section title="The same request as code" aside={<CopyCode key={shown.code} code={shown.code} />}>
      <Tabs.Root value={shown.id} onValueChange={setChosen}>
        <Tabs.List aria-label="APIs" className="flex max-w-full flex-wrap gap-1">
            {found.map((one) => (
              <Tabs.Trigger
                key={one.id}
                value={one.id}
                className="min-h-9 rounded-md px-3 text-sm hover:bg-sunken data-[state=active]:bg-accent-soft data-[state=active]:font-semibold data-[state=active]:text-accent"
              >
                {one.title}
              </Tabs.Trigger>
            ))}
        </Tabs.List>
        {found.map((one) => (
          <Tabs.Content key={one.id} value={one.id} tabIndex={-1}>
            <pre
              tabIndex={0}
              role="region"
              aria-label={`Code: ${one.title}`}
              className="mt-2 max-h-[32rem] overflow-auto rounded-lg border border-border bg-sunken p-3 font-mono text-xs leading-relaxed"
            >
              {one.code}
            </pre>
            <ul className="mt-2 space-y-1 text-xs text-muted">
              {!complete && <li>The form is not complete yet, and neither is this.</li>}
              {one.notes.map((note) => (
                <li key={note}>{note}</li>
              ))}
              <li>
                It reads your key from <code>REELGATE_KEY</code>.
              </li>
            </ul>
          </Tabs.Content>
        ))}
      </Tabs.Root>
    </Section>
  );
}

function CopyCode({ code }: { code: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <span className="flex items-center gap-2">
      <span role="status" className="text-xs text-muted">
        {copied && "Copied"}
      </span>
      <Button onClick={() => void navigator.clipboard.writeText(code).then(() => setCopied(true))}>
        Copy the code
      </Button>
    </span>
  );
}
