import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { Button } from "@/ui/button";
import { Empty, Failure, Loading } from "@/ui/notices";
import { BulkBar } from "./bulk-bar";
import { Filters } from "./filters";
import { emptyTail, isApart, merged } from "./merged";
import { type GenerationPage, newestQuery, pagesQuery } from "./queries";
import type { VideosSearch } from "./search";
import { NOTHING } from "./selection";
import { VideoGrid } from "./video-grid";

/** After so many pages that brought nothing, a search waits for the person. */
const PATIENT_PAGES = 10;

/** Videos of this person; an administrator sees those of the team. */
export function GalleryPage() {
  const search = useSearch({ from: "/inside/videos" });
  const list = useInfiniteQuery(pagesQuery(search));
  return (
    <>
      <h1 className="text-xl font-semibold">Videos</h1>
      <Filters search={search} />
      <div className="mt-4">
        {list.data ? (
          <Found key={JSON.stringify(search)} search={search} list={list} pages={list.data.pages} />
        ) : list.error ? (
          <Failure error={list.error} retry={() => void list.refetch()} />
        ) : (
          <Loading what="your videos" />
        )}
      </div>
    </>
  );
}

interface Paged {
  error: unknown;
  hasNextPage: boolean;
  isFetching: boolean;
  fetchNextPage: () => unknown;
  refetch: () => unknown;
}

function Found({
  search,
  list,
  pages,
}: {
  search: VideosSearch;
  list: Paged;
  pages: GenerationPage[];
}) {
  const queries = useQueryClient();
  const newest = useQuery(newestQuery(search, pages[0]));
  const [selection, setSelection] = useState(NOTHING);
  const videos = newest.data ? merged(newest.data, pages) : [];
  const apart = !!newest.data && isApart(newest.data, pages);
  useEffect(() => {
    if (apart) void queries.invalidateQueries({ queryKey: pagesQuery(search).queryKey });
  }, [apart, queries, search]);

  const tired = emptyTail(pages) >= PATIENT_PAGES;
  function goOn() {
    if (list.hasNextPage && !list.isFetching) void list.fetchNextPage();
  }
  function goOnAlone() {
    if (!list.error && !tired) goOn();
  }
  const searching = videos.length === 0 && list.hasNextPage && !list.error && !tired;
  useEffect(() => {
    if (searching && !list.isFetching) void list.fetchNextPage();
  }, [searching, list]);

  if (searching) return <Loading what="older videos" />;
  return (
    <>
      {newest.error ? <Failure error={newest.error} retry={() => void newest.refetch()} /> : null}
      {videos.length === 0 && !list.error && !list.hasNextPage && <Nothing search={search} />}
      <VideoGrid
        videos={videos}
        selection={selection}
        onSelect={setSelection}
        onEnd={goOnAlone}
      />
      {list.error ? (
        <Failure error={list.error} retry={goOn} />
      ) : tired && list.hasNextPage ? (
        <p className="mt-4 text-center">
          <Button disabled={list.isFetching} onClick={goOn}>
            {list.isFetching ? "Searching …" : "Search further back"}
          </Button>
        </p>
      ) : null}
      {selection.ids.size > 0 && (
        <BulkBar
          videos={videos.filter((one) => selection.ids.has(one.id))}
          onClear={() => setSelection(NOTHING)}
        />
      )}
    </>
  );
}

function Nothing({ search }: { search: VideosSearch }) {
  const { state } = search;
  if (state && Object.keys(search).length === 1)
    return (
      <Empty title={`No video is ${state}`}>Choose another state to see the others.</Empty>
    );
  if (Object.keys(search).length > 0)
    return <Empty title="No video is like this">Take a filter away to see more.</Empty>;
  return (
    <Empty title="No videos yet">
      Whatever you make appears here, from whichever program it is asked for.
    </Empty>
  );
}
