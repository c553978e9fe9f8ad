import { useState } from "react";
import { Button } from "./button";

/** Short on the page, whole on the clipboard. */
export function Copy({ what, text }: { what: string; text: string }) {
  const [copied, setCopied] = useState(false);
  async function copy() {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  }
  return (
    <>
      <Button look="quiet" className="font-mono text-xs" title={text} onClick={() => void copy()}>
        {text.length > 20 ? `${text.slice(0, 8)}…` : text}
        <span className="font-sans text-muted">Copy {what}</span>
      </Button>
      <span role="status" className="text-xs text-muted">
        {copied && "Copied"}
      </span>
    </>
  );
}
