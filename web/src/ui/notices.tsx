import type { ReactNode } from "react";
import { Refused } from "@/api/problem";
import { Button } from "./button";
import { Copy } from "./copy";

/** What the API said: what happened, whether it cost anything, whether to try again. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const problem = error instanceof Refused ? error.problem : null;
  return (
    <div
      role="alert"
      className="rounded-lg border border-danger bg-danger-soft p-4 text-sm text-text"
    >
      <p className="font-semibold">{problem?.title ?? "This page failed"}</p>
      <p className="mt-1">{problem?.detail ?? String(error)}</p>
      {problem && problem.status !== 401 && (
        <p className="mt-1">
          {billing(problem.billed)}{" "}
          {problem.retry_safe ? "It is safe to try again." : "Look before you try again."}
        </p>
      )}
      <div className="mt-3 flex flex-wrap items-center gap-2">
        {retry && <Button onClick={retry}>Try again</Button>}
        {problem?.request_id && <Copy what="request id" text={problem.request_id} />}
      </div>
    </div>
  );
}

function billing(billed: boolean | null): string {
  if (billed === null) return "Whether credits were spent is not known yet.";
  return billed ? "Credits were reserved or spent." : "No credits were spent.";
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="rounded-lg border border-dashed border-border p-8 text-center">
      <p className="font-medium">{title}</p>
      <div className="mx-auto mt-1 max-w-prose text-sm text-muted">{children}</div>
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <p role="status" className="p-8 text-center text-sm text-muted">
      Loading {what} …
    </p>
  );
}
