import { useState } from "react";
import { Button } from "@/ui/button";
import type { KeyWithSecret } from "./queries";

/** The only time that a secret is shown. It is in the memory of this page and nowhere else. */
export function Secret({ made, onClose }: { made: KeyWithSecret; onClose: () => void }) {
  const [copied, setCopied] = useState(false);
  return (
    <section
      aria-label="Your new key"
      className="mt-4 rounded-lg border border-success bg-success-soft p-4 text-sm"
    >
      <p className="font-semibold">The key {made.name} is made. It is shown only now.</p>
      <code className="mt-2 block rounded bg-surface p-2 font-mono break-all select-all">
        {made.secret}
      </code>
      <div className="mt-3 flex flex-wrap items-center gap-2">
        <Button
          look="primary"
          autoFocus
          onClick={() => {
            void navigator.clipboard.writeText(made.secret).then(() => setCopied(true));
          }}
        >
          Copy
        </Button>
        <Button onClick={onClose}>I have it</Button>
        <span role="status">{copied && "Copied"}</span>
      </div>
    </section>
  );
}
