import { useMutation, useQuery, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { LogOut } from "lucide-react";
import { type Me, meQuery } from "@/api/me";
import { signOutMutation } from "@/features/signin/queries";
import { Button } from "@/ui/button";
import { ENTRIES } from "./navigation";
import { gatewayQuery } from "./queries";
import { useLive } from "./live";
import { PaletteButton } from "./palette-button";
import { ThemeChoice } from "./theme-choice";
import { warnings } from "./warnings";

const ENTRY =
  "flex items-center gap-2 rounded-md px-3 py-2 text-sm hover:bg-sunken aria-[current=page]:bg-accent-soft aria-[current=page]:font-semibold aria-[current=page]:text-accent";

/** Around every page of a person who is signed in. */
export function Frame() {
  const { data: me } = useSuspenseQuery(meQuery);
  const live = useLive();
  return (
    <div className="md:grid md:grid-cols-[13rem_1fr]">
      <a
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("main")?.focus();
        }}
        className="sr-only focus:not-sr-only focus:absolute focus:m-2 focus:bg-surface focus:p-2"
      >
        Skip to the page
      </a>
      <header className="border-b border-border bg-raised md:sticky md:top-0 md:flex md:h-dvh md:flex-col md:border-r md:border-b-0">
        <div className="flex items-center justify-between px-4 py-3">
          <span className="font-semibold">Reelgate</span>
          <span className="text-xs text-muted md:hidden">{me.name}</span>
          <PaletteButton />
        </div>
        <nav aria-label="Pages" className="flex gap-1 overflow-x-auto px-2 pb-2 md:flex-col">
          {ENTRIES.filter((entry) => entry.open(me)).map(({ to, label, icon: Icon }) => (
            <Link key={to} to={to} className={ENTRY}>
              <Icon aria-hidden className="size-4" />
              {label}
            </Link>
          ))}
          <span className="flex items-center gap-1 md:hidden">
            <SignOut />
            <ThemeChoice />
          </span>
        </nav>
        <div className="mt-auto hidden border-t border-border p-3 text-sm md:block">
          <p className="font-medium">{me.name}</p>
          <p className="text-xs text-muted">
            {me.team.name} · {me.operates ? "operator" : me.manages_team ? "lead" : "member"}
          </p>
          <SignOut />
          <div className="mt-2">
            <ThemeChoice />
          </div>
        </div>
      </header>
      <div className="min-w-0">
        <Strip me={me} connected={live} />
        <main id="main" tabIndex={-1} className="mx-auto max-w-[100rem] p-4 md:p-6">
          <Outlet />
        </main>
      </div>
    </div>
  );
}

function SignOut() {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const signOut = useMutation({
    ...signOutMutation,
    onSuccess: async () => {
      queries.clear();
      await navigate({ to: "/sign-in" });
    },
  });
  return (
    <Button
      look="quiet"
      className="md:mt-2 md:w-full md:justify-start"
      disabled={signOut.isPending}
      onClick={() => {
        signOut.mutate();
      }}
    >
      <LogOut aria-hidden className="size-4" /> Sign out
    </Button>
  );
}

/** Above every page. */
function Strip({ me, connected }: { me: Me; connected: boolean }) {
  const { data: gateway } = useQuery(gatewayQuery);
  const lines = warnings({ me, connected, simulated: gateway?.simulated ?? false });
  return (
    <div role="status">
      {lines.map((line) => (
        <p
          key={line}
          className="border-b border-border bg-warning-soft px-4 py-2 text-sm text-warning md:px-6"
        >
          {line}
        </p>
      ))}
    </div>
  );
}
