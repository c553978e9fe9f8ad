import { Search } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { Button } from "@/ui/button";

const Palette = lazy(async () => ({ default: (await import("./palette")).Palette }));

/** Opens the palette, as Ctrl-K (or Cmd-K) does on every page. */
export function PaletteButton() {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    function pressed(event: KeyboardEvent) {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
      // A question that is open is answered first.
      if (document.querySelector("dialog[open]")) return;
      event.preventDefault();
      setOpen(true);
    }
    window.addEventListener("keydown", pressed);
    return () => {
      window.removeEventListener("keydown", pressed);
    };
  }, []);
  return (
    <>
      <Button
        look="quiet"
        aria-label="Go to…"
        aria-keyshortcuts="Control+K Meta+K"
        title="Go to… (Ctrl-K)"
        className="px-2"
        onClick={() => {
          setOpen(true);
        }}
      >
        <Search aria-hidden className="size-4" />
      </Button>
      {open && (
        <Suspense fallback={null}>
          <Palette
            onClose={() => {
              setOpen(false);
            }}
          />
        </Suspense>
      )}
    </>
  );
}
