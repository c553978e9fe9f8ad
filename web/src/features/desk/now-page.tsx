import { useInfiniteQuery, useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { meQuery } from "@/api/me";
import { GenerationTable } from "@/features/stories/generation-table";
import { storiesQuery } from "@/features/stories/queries";
import type { StoriesSearch } from "@/features/stories/search";
import { Answer } from "@/ui/answer";
import { Empty } from "@/ui/notices";
import { Section } from "@/ui/table";
import { Endangered } from "./endangered";
import { Figures, Took } from "./figures";
import { Needs } from "./needs";
import { overviewQuery } from "./queries";
import { UpstreamKeys } from "./upstream-keys";

/** How it goes, and what needs a person. */
export function NowPage() {
  const { data: me } = useSuspenseQuery(meQuery);
  const overview = useQuery(overviewQuery);
  return (
    <>
      <h1 className="text-xl font-semibold">
        {me.operates ? "Everybody's videos, now" : `Videos of ${me.team.name}, now`}
      </h1>
      <Answer query={overview} what="how it goes">
        {(data) => (
          <>
            <Needs of={data} />
            <Figures of={data} />
            <Endangered of={data.archive} at={overview.dataUpdatedAt} />
          </>
        )}
      </Answer>
      <Few
        title="For more than a quarter of an hour"
        caption="In flight for long"
        search={{ state: "open", older: 15 }}
        none="Nothing takes that long"
      />
      <Few
        title="In flight"
        caption="In flight, newest first"
        search={{ state: "open" }}
        none="Nothing is in flight"
      />
      {overview.data && <Took list={overview.data.took} />}
      {me.operates && <UpstreamKeys />}
    </>
  );
}

const FEW = 10;

/** The newest of a view, and the way to all of it. */
function Few({
  title,
  caption,
  search,
  none,
}: {
  title: string;
  caption: string;
  search: StoriesSearch;
  none: string;
}) {
  const query = useInfiniteQuery(storiesQuery(search));
  return (
    <Section
      title={title}
      aside={
        <Link
          to="/desk/generations"
          search={search}
          className="text-sm text-accent underline"
        >
          All of them<span className="sr-only">: {title}</span>
        </Link>
      }
    >
      <Answer query={query} what={title.toLowerCase()}>
        {({ pages }) => {
          const list = pages[0]?.data ?? [];
          return list.length === 0 ? (
            <Empty title={none} />
          ) : (
            <GenerationTable caption={caption} list={list.slice(0, FEW)} at={query.dataUpdatedAt} />
          );
        }}
      </Answer>
    </Section>
  );
}
