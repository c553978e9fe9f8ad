import { useSuspenseQuery } from "@tanstack/react-query";
import { useLinkProps, useSearch } from "@tanstack/react-router";
import { type Me, meQuery } from "@/api/me";
import { Empty } from "@/ui/notices";
import { Drift } from "./drift";
import { Prices } from "./prices";
import { type MoneySearch, moneySearch, type View } from "./search";
import { Spend } from "./spend";
import { Statements } from "./statements";

const VIEWS: { view: View; label: string; operators: boolean }[] = [
  { view: "spend", label: "Spend", operators: false },
  { view: "drift", label: "Drift", operators: true },
  { view: "statements", label: "Statements", operators: false },
  { view: "prices", label: "Prices", operators: true },
];

const ENTRY =
  "rounded-md px-3 py-1.5 text-sm whitespace-nowrap hover:bg-sunken aria-[current=page]:bg-sunken aria-[current=page]:font-semibold";

/** What was spent and by whom, whether the upstream agrees, statements, and prices. */
export function MoneyPage() {
  const { data: me } = useSuspenseQuery(meQuery);
  const asked = useSearch({ from: "/inside/desk/money" });
  // A lead sees one team, whatever the address says.
  const search = me.operates ? asked : { ...asked, team: me.team.id };
  const view = search.view ?? "spend";
  const allowed = VIEWS.filter((one) => me.operates || !one.operators);
  return (
    <>
      <h1 className="text-xl font-semibold">
        {me.operates ? "Money" : `Money of ${me.team.name}`}
      </h1>
      <nav aria-label="Money" className="mt-3 mb-2 flex gap-1 overflow-x-auto p-1">
        {allowed.map((one) => (
          <ViewLink key={one.view} of={one.view} current={one.view === view} label={one.label} />
        ))}
      </nav>
      {allowed.some((one) => one.view === view) ? (
        <Shown view={view} search={search} me={me} />
      ) : (
        <Empty title="This is for operators">
          It is about the accounts that pay for all teams, and about prices that all have.
        </Empty>
      )}
    </>
  );
}

/** A link of the router calls itself current wherever the path is the same. */
function ViewLink({ of, current, label }: { of: View; current: boolean; label: string }) {
  const link = useLinkProps({
    to: "/desk/money",
    search: ({ team }) => moneySearch({ team, view: of }),
  });
  return (
    <a {...link} aria-current={current ? "page" : undefined} className={ENTRY}>
      {label}
    </a>
  );
}

function Shown({ view, search, me }: { view: View; search: MoneySearch; me: Me }) {
  if (view === "drift") return <Drift />;
  if (view === "prices") return <Prices search={search} />;
  if (view === "statements") return <Statements search={search} operates={me.operates} />;
  return <Spend search={search} operates={me.operates} />;
}
