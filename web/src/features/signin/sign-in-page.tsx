import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type SyntheticEvent, useEffect, useId, useRef } from "react";
import { Button } from "@/ui/button";
import { Failure } from "@/ui/notices";
import { Issuers } from "./issuers";
import { signInMutation } from "./queries";

/** By a key, which goes to the gateway once and is kept nowhere, or by a link after the `#`. */
export function SignInPage() {
  const { next } = useSearch({ from: "/sign-in" });
  const navigate = useNavigate();
  const queries = useQueryClient();
  const field = useRef<HTMLInputElement>(null);
  const label = useId();
  const hint = useId();
  const signIn = useMutation({
    ...signInMutation,
    onSuccess: async () => {
      queries.clear();
      await navigate({ to: next ?? "/", replace: true });
    },
  });
  const { mutate } = signIn;

  useEffect(() => {
    function follow() {
      const link = window.location.hash.slice(1);
      if (!link.startsWith("rg_link_")) return;
      // Out of the address before anything else: it is a secret, and works once.
      window.history.replaceState(window.history.state, "", window.location.pathname);
      mutate({ link });
    }
    follow();
    // To a browser that shows this page already, the link is the same page.
    window.addEventListener("hashchange", follow);
    return () => window.removeEventListener("hashchange", follow);
  }, [mutate]);

  function submit(event: SyntheticEvent) {
    event.preventDefault();
    const key = field.current?.value.trim();
    if (key) signIn.mutate({ key });
  }

  return (
    <main className="mx-auto flex min-h-dvh max-w-md flex-col justify-center p-6">
      <h1 className="text-2xl font-semibold">Reelgate</h1>
      <Issuers next={next} />
      <p className="mt-1 text-muted">Sign in with your key.</p>
      <form onSubmit={submit} className="mt-6 space-y-4">
        <div>
          <label htmlFor={label} className="text-sm font-medium">
            API key
          </label>
          <input
            ref={field}
            id={label}
            type="password"
            autoComplete="off"
            spellCheck={false}
            required
            placeholder="rg_…"
            aria-describedby={hint}
            className="mt-1 w-full rounded-md border border-control bg-surface px-3 py-2 font-mono text-sm placeholder:text-muted"
          />
          <p id={hint} className="mt-1 text-sm text-muted">
            It is exchanged for a session and not kept in this browser. No key? An operator makes
            one.
          </p>
        </div>
        {signIn.error && <Failure error={signIn.error} />}
        <Button look="primary" type="submit" className="w-full" disabled={signIn.isPending}>
          {signIn.isPending ? "Signing in …" : "Sign in"}
        </Button>
      </form>
    </main>
  );
}
