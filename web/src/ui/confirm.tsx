import { type ReactNode, useEffect, useId, useRef } from "react";
import { Button } from "./button";
import { Failure } from "./notices";

/** Asks before a deed, and stays until the gateway has answered. */
export function Confirm({
  title,
  children,
  act,
  pending,
  error,
  onConfirm,
  onClose,
}: {
  title: string;
  children: ReactNode;
  act: string;
  pending: boolean;
  error: unknown;
  onConfirm: () => void;
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
      className="m-auto w-[min(28rem,calc(100vw-2rem))] rounded-xl border border-border bg-surface p-5 text-text"
    >
      <h2 id={heading} className="text-lg font-semibold">
        {title}
      </h2>
      <div className="mt-2 text-sm text-muted">{children}</div>
      {error ? (
        <div className="mt-4">
          <Failure error={error} />
        </div>
      ) : null}
      <div className="mt-5 flex justify-end gap-2">
        <Button onClick={() => dialog.current?.close()}>Keep it</Button>
        <Button look="danger" disabled={pending} onClick={onConfirm}>
          {act}
        </Button>
      </div>
    </dialog>
  );
}
