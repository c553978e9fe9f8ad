import type { ReactNode, SyntheticEvent } from "react";
import { Refused } from "@/api/problem";
import { Button } from "./button";
import { CloseButton, Dialog } from "./dialog";
import { Failure } from "./notices";
import { Proof } from "./proof";

/** What a form says; an empty field says nothing. */
export class Filled {
  constructor(private readonly data: FormData) {}

  text(name: string): string {
    const value = this.data.get(name);
    return typeof value === "string" ? value.trim() : "";
  }

  textOrNull(name: string): string | null {
    return this.text(name) || null;
  }

  numberOrNull(name: string): number | null {
    const text = this.text(name);
    return text === "" ? null : Number(text);
  }

  /** Of a `datetime-local`, which is in the viewer's zone. */
  instantOrNull(name: string): string | null {
    const text = this.text(name);
    return text === "" ? null : new Date(text).toISOString();
  }

  all(name: string): string[] {
    return this.data.getAll(name).filter((one) => typeof one === "string");
  }
}

/**
 * A form for one deed. It closes only when its owner takes it away: after the gateway has said that
 * the deed is done, or when the person leaves it.
 */
export function Deed({
  title,
  act,
  pending,
  error,
  danger = false,
  onSubmit,
  onClose,
  children,
}: {
  title: string;
  act: string;
  pending: boolean;
  error: unknown;
  danger?: boolean;
  onSubmit: (filled: Filled) => void;
  onClose: () => void;
  children: ReactNode;
}) {
  function submit(event: SyntheticEvent<HTMLFormElement>) {
    event.preventDefault();
    if (!pending) onSubmit(new Filled(new FormData(event.currentTarget)));
  }
  return (
    <Dialog title={title} className="w-[min(32rem,calc(100vw-2rem))]" onClose={onClose}>
      <form onSubmit={submit} className="mt-4 space-y-4 text-sm">
        {children}
        {error instanceof Refused && error.problem.sign_in_again ? (
          <Proof key={error.problem.request_id} of={error} />
        ) : error ? (
          <Failure error={error} />
        ) : null}
        <div className="flex justify-end gap-2">
          <CloseButton>Cancel</CloseButton>
          <Button look={danger ? "danger" : "primary"} type="submit" disabled={pending}>
            {pending ? "Waiting for the answer …" : act}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
