import { useInfiniteQuery, useSuspenseQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { meQuery } from "@/api/me";
import { Answer, More } from "@/ui/answer";
import { Empty } from "@/ui/notices";
import { Filters } from "./filters";
import { GenerationTable } from "./generation-table";
import { storiesQuery } from "./queries";
import { Views } from "./views";

/** What everybody asked for; an administrator of a team sees that of the team. */
export function GenerationsPage() {
  const search = useSearch({ from: "/inside/desk/generations" });
  const navigate = useNavigate({ from: "/desk/generations" });
  const { data: me } = useSuspenseQuery(meQuery);
  const list = useInfiniteQuery(storiesQuery(search));
  return (
    <>
      <h1 className="text-xl font-semibold">
        {me.operates ? "Everybody's generations" : `Generations of ${me.team.name}`}
      </h1>
      <Views search={search} member={me.member_id} />
      <Filters search={search} onChange={(next) => void navigate({ search: next })} />
      <Answer query={list} what="generations">
        {({ pages }) => {
          const found = pages.flatMap((page) => page.data);
          return found.length === 0 ? (
            <Empty title="No generation matches">
              {search.q
                ? "An id is looked for as a whole; a key by its first eleven characters."
                : "Leave a filter out to see more."}
            </Empty>
          ) : (
            <>
              <GenerationTable
                caption="Generations, newest first"
                list={found}
                at={list.dataUpdatedAt}
              />
              <More list={list} />
            </>
          );
        }}
      </Answer>
    </>
  );
}
