import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { instant } from "@/lib/format";
import { Button } from "@/ui/button";
import { Failure, Loading } from "@/ui/notices";
import { endSessionMutation, type Session, sessionsQuery } from "./queries";

const WAYS: Record<string, string> = { oidc: "an account" };

/** Where this person is signed in; each other place can be signed out from here. */
export function SessionList() {
  const { data, error, refetch } = useQuery(sessionsQuery);
  if (!data) {
    return error ? (
      <Failure error={error} retry={() => void refetch()} />
    ) : (
      <Loading what="your sessions" />
    );
  }
  return (
    <ul className="divide-y divide-border rounded-lg border border-border bg-raised">
      {data.map((session) => (
        <Row key={session.id} session={session} />
      ))}
    </ul>
  );
}

function Row({ session }: { session: Session }) {
  const queries = useQueryClient();
  const end = useMutation({
    ...endSessionMutation,
    onSuccess: () => queries.invalidateQueries({ queryKey: sessionsQuery.queryKey }),
  });
  const name = browserName(session.browser);
  return (
    <li className="flex flex-wrap items-center justify-between gap-3 p-3 text-sm">
      <div className="min-w-0">
        <p className="font-medium" title={session.browser ?? undefined}>
          {name}
          {session.current && <span className="text-muted"> · this browser</span>}
        </p>
        <p className="text-xs text-muted">
          Signed in {instant(session.created_at)} by {WAYS[session.method] ?? session.method}{" "}
          {session.address && `from ${session.address} `}· last seen{" "}
          {instant(session.last_seen_at)} · ends {instant(session.expires_at)} unless used
        </p>
        {end.error && <Failure error={end.error} />}
      </div>
      {!session.current && (
        <Button
          disabled={end.isPending}
          aria-label={`Sign out ${name}, last seen ${instant(session.last_seen_at)}`}
          onClick={() => {
            end.mutate(session.id);
          }}
        >
          Sign out
        </Button>
      )}
    </li>
  );
}

const NAMES: [RegExp, string][] = [
  [/\bEdg\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bFirefox\//, "Firefox"],
  [/Chrom(?:e|ium)\//, "Chrome or Chromium"],
  [/\bSafari\//, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
  [/Android/, "Android"],
  [/iPhone|iPad/, "iOS"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/Linux/, "Linux"],
];

/** As people call it, of what a browser says of itself at length. */
export function browserName(said: string | null): string {
  const find = (known: [RegExp, string][]) => known.find(([form]) => form.test(said ?? ""))?.[1];
  const system = find(SYSTEMS);
  return (find(NAMES) ?? "A browser") + (system ? ` on ${system}` : "");
}
