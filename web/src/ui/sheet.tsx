import { type ReactNode, useEffect, useId, useRef } from "react";
import { Button } from "./button";

/** Something to read above the page. */
export function Sheet({
  title,
  children,
  onClose,
}: {
  title: string;
  children: ReactNode;
  onClose: () => void;
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
      onClose={onClose}
      className="m-auto w-[min(44rem,calc(100vw-2rem))] rounded-xl border border-border bg-surface p-5 text-sm text-text"
    >
      <h2 id={heading} className="mb-4 text-lg font-semibold">
        {title}
      </h2>
      {children}
      <div className="mt-5 flex justify-end">
        <Button onClick={() => dialog.current?.close()}>Close</Button>
      </div>
    </dialog>
  );
}
