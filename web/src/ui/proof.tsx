import { useMutation, useQuery } from "@tanstack/react-query";
import { useRef } from "react";
import { own } from "@/api/client";
import { issuersQuery } from "@/api/issuers";
import type { Refused } from "@/api/problem";
import { at, PAGES } from "@/lib/place";
import { Button } from "./button";
import { Field } from "./field";
import { Failure } from "./notices";

/** Leads to the issuer, which has to ask, and back to this page. */
function again(issuer: string): string {
  const { pathname, search } = window.location;
  const next = `/${pathname.slice(PAGES.pathname.length)}${search}`;
  return at(`app/oidc/${issuer}/begin?${new URLSearchParams({ again: "1", next }).toString()}`);
}

/**
 * Asks a person who is signed in to prove it once more: by a key, or at an issuer, in another tab, so
 * that what was filled in here stays. The deed is then sent by that person again.
 */
export function Proof({ of }: { of: Refused }) {
  const { data: issuers = [] } = useQuery(issuersQuery);
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
      {!prove.isSuccess && issuers.length > 0 && (
        <div className="mt-3 flex flex-wrap items-center gap-2 text-sm">
          {issuers.map(({ id, name }) => (
            <Button key={id} asChild>
              <a href={again(id)} target="_blank" rel="noreferrer">
                Sign in again with {name}
              </a>
            </Button>
          ))}
          <span>in another tab. Then come back, and send it once more.</span>
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
