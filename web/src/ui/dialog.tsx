import { type ReactNode, type SyntheticEvent, useEffect, useId, useRef } from "react";
import { classes } from "@/lib/classes";
import { Button } from "./button";

/** A window above the page. */
export function Dialog({
  title,
  className,
  onCancel,
  onClose,
  children,
}: {
  title: ReactNode;
  /** Its width, and how it differs from others. */
  className: string;
  onCancel?: (event: SyntheticEvent) => void;
  onClose: () => void;
  children: ReactNode;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={heading}
      onCancel={onCancel}
      onClose={onClose}
      className={classes("m-auto rounded-xl border border-border bg-surface p-5 text-text", className)}
    >
      <h2 id={heading} className="text-lg font-semibold">
        {title}
      </h2>
      {children}
    </dialog>
  );
}

/** Closes the window that it stands in. */
export function CloseButton({ disabled, children }: { disabled?: boolean; children: ReactNode }) {
  return (
    <Button disabled={disabled} onClick={(event) => event.currentTarget.closest("dialog")?.close()}>
      {children}
    </Button>
  );
}
