import { useSuspenseQuery } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import { meQuery } from "@/api/me";
import { Empty } from "@/ui/notices";

export const PAGES = [
  { to: "/desk", label: "Now", operators: false },
  { to: "/desk/generations", label: "Generations", operators: false },
  { to: "/desk/unknowns", label: "Unknowns", operators: false },
  { to: "/desk/deliveries", label: "Deliveries", operators: false },
  { to: "/desk/teams", label: "Teams", operators: false },
  { to: "/desk/money", label: "Money", operators: false },
  { to: "/desk/upstream", label: "Upstream", operators: true },
  { to: "/desk/catalogue", label: "Catalogue", operators: true },
  { to: "/desk/sign-ins", label: "Sign-ins", operators: true },
  { to: "/desk/controls", label: "Controls", operators: true },
  { to: "/desk/audit", label: "Audit log", operators: false },
] as const;

const ENTRY =
  "rounded-md px-3 py-1.5 text-sm whitespace-nowrap hover:bg-sunken aria-[current=page]:bg-accent-soft aria-[current=page]:font-semibold aria-[current=page]:text-accent";

/** Around the pages of operators, and of administrators of a team for theirs. */
export function DeskFrame() {
  const { data: me } = useSuspenseQuery(meQuery);
  if (!me.operates && !me.manages_team)
    return (
      <>
        <h1 className="mb-4 text-xl font-semibold">Desk</h1>
        <Empty title="The desk is for operators">
          Operators, and administrators of a team for their own, see here what everybody makes.
        </Empty>
      </>
    );
  return (
    <>
      <nav aria-label="Desk" className="-mt-1 mb-4 flex gap-1 overflow-x-auto p-1">
        {PAGES.filter((page) => me.operates || !page.operators).map(({ to, label }) => (
          <Link key={to} to={to} activeOptions={{ exact: to === "/desk" }} className={ENTRY}>
            {label}
          </Link>
        ))}
      </nav>
      <Outlet />
    </>
  );
}
