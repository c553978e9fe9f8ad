import { useMutation } from "@tanstack/react-query";
import { useRef } from "react";
import { own } from "@/api/client";
import type { Refused } from "@/api/problem";
import { Button } from "./button";
import { Field } from "./field";
import { Failure } from "./notices";

/** Asks a person who is signed in for a key once more. The deed is then sent by that person again. */
export function Proof({ of }: { of: Refused }) {
  const field = useRef<HTMLInputElement>(null);
  const prove = useMutation({
    mutationFn: (key: string) => own("POST", "session/again", { key }),
    onSuccess: () => {
      if (field.current) field.current.value = "";
    },
  });
  function submit() {
    const key = field.current?.value.trim();
    if (key) prove.mutate(key);
  }
  return (
    <div role="alert" className="rounded-lg border border-warning bg-warning-soft p-4">
      <p>{prove.isSuccess ? "You are signed in again: send it once more." : of.problem.detail}</p>
      {!prove.isSuccess && (
        <div className="mt-3 flex flex-wrap items-end gap-2">
          <Field
            ref={field}
            label="A key of yours"
            type="password"
            className="grow"
            onKeyDown={(event) => {
              if (event.key !== "Enter") return;
              // Enter here signs in, and sends nothing else.
              event.preventDefault();
              submit();
            }}
          />
          <Button disabled={prove.isPending} onClick={submit}>
            Sign in again
          </Button>
        </div>
      )}
      {prove.error && (
        <div className="mt-3">
          <Failure error={prove.error} />
        </div>
      )}
    </div>
  );
}
