import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Empty, Failure, Loading } from "@/ui/notices";
import { generationsQuery } from "./queries";
import { STATES } from "./search";
import { VideoGrid } from "./video-grid";

/** Videos of this person; an administrator sees those of the team. */
export function GalleryPage() {
  const search = useSearch({ from: "/inside/videos" });
  const navigate = useNavigate({ from: "/videos" });
  const list = useInfiniteQuery(generationsQuery(search));
  const found = list.data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <>
      <div className="flex flex-wrap items-end justify-between gap-3">
        <h1 className="text-xl font-semibold">Videos</h1>
        <label className="flex items-center gap-2 text-sm">
          State
          <select
            value={search.state ?? ""}
            onChange={(event) => {
              const state = STATES.find((one) => one === event.target.value);
              void navigate({ search: state ? { state } : {}, replace: true });
            }}
            className="rounded-md border border-control bg-surface px-2 py-1.5"
          >
            <option value="">any</option>
            {STATES.map((state) => (
              <option key={state}>{state}</option>
            ))}
          </select>
        </label>
      </div>
      <div className="mt-4">
        {list.isPending ? (
          <Loading what="your videos" />
        ) : list.error && found.length === 0 ? (
          <Failure error={list.error} retry={() => void list.refetch()} />
        ) : found.length === 0 ? (
          <Empty title={search.state ? `No video is ${search.state}` : "No videos yet"}>
            {search.state
              ? "Choose another state to see the others."
              : "Whatever you make appears here, from whichever program it is asked for."}
          </Empty>
        ) : (
          <VideoGrid
            videos={found}
            onEnd={() => {
              if (list.hasNextPage && !list.isFetching) void list.fetchNextPage();
            }}
          />
        )}
      </div>
    </>
  );
}
