import type { ReactNode } from "react";
import { CloseButton, Dialog } from "./dialog";

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
  return (
    <Dialog title={title} className="w-[min(44rem,calc(100vw-2rem))] text-sm" onClose={onClose}>
      <div className="mt-4">{children}</div>
      <div className="mt-5 flex justify-end">
        <CloseButton>Close</CloseButton>
      </div>
    </Dialog>
  );
}
