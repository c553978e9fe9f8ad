import { useState } from "react";
import { Button } from "@/ui/button";

/** A secret, to be copied now. It is in the memory of this page and nowhere else. */
export function Secret({
  title,
  secret,
  onClose,
}: {
  title: string;
  secret: string;
  onClose: () => void;
}) {
  const [copied, setCopied] = useState(false);
  return (
    <section
      aria-label={title}
      className="mt-4 rounded-lg border border-success bg-success-soft p-4 text-sm"
    >
      <p className="font-semibold">{title}</p>
      <code className="mt-2 block rounded bg-surface p-2 font-mono break-all select-all">{secret}</code>
      <div className="mt-3 flex flex-wrap items-center gap-2">
        <Button
          look="primary"
          autoFocus
          onClick={() => {
            void navigator.clipboard.writeText(secret).then(() => setCopied(true));
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
