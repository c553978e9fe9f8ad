import type { ReactNode } from "react";
import { Button } from "./button";
import { CloseButton, Dialog } from "./dialog";
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
  return (
    <Dialog title={title} className="w-[min(28rem,calc(100vw-2rem))]" onClose={onClose}>
      <div className="mt-2 text-sm text-muted">{children}</div>
      {error ? (
        <div className="mt-4">
          <Failure error={error} />
        </div>
      ) : null}
      <div className="mt-5 flex justify-end gap-2">
        <CloseButton>Keep it</CloseButton>
        <Button look="danger" disabled={pending} onClick={onConfirm}>
          {act}
        </Button>
      </div>
    </Dialog>
  );
}
