import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Generation } from "./queries";
import { moved, NOTHING, reached, type Selection, toggled } from "./selection";
import { VideoCard } from "./video-card";

const NARROWEST = 240;
const GAP = 16;
/** Of the words below a picture. */
const WORDS = 92;

/**
 * Only the rows in sight are in the document, so ten thousand videos scroll like ten. Arrows move
 * the focus, the space bar selects, with shift up to there, Ctrl-A all, Escape none.
 */
export function VideoGrid({
  videos,
  selection,
  onSelect,
  onEnd,
}: {
  videos: Generation[];
  selection: Selection;
  onSelect: (selection: Selection) => void;
  onEnd: () => void;
}) {
  const list = useRef<HTMLUListElement>(null);
  const wanted = useRef<number | null>(null);
  const [width, setWidth] = useState(0);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    const measured = new ResizeObserver(() => {
      setWidth(element.clientWidth);
      setTop(element.offsetTop);
    });
    measured.observe(element);
    return () => measured.disconnect();
  }, []);
  const columns = Math.max(1, Math.floor((width + GAP) / (NARROWEST + GAP)));
  const height = ((width - GAP * (columns - 1)) / columns) * (9 / 16) + WORDS;
  const rows = useWindowVirtualizer({
    count: width ? Math.ceil(videos.length / columns) : 0,
    estimateSize: () => height + GAP,
    overscan: 3,
    scrollMargin: top,
  });
  useEffect(() => rows.measure(), [rows, height]);
  const shown = rows.getVirtualItems();
  const last = shown.at(-1)?.index ?? -1;
  const ended = last >= 0 && (last + 1) * columns >= videos.length;
  useEffect(() => {
    if (ended) onEnd();
  }, [ended, videos.length, onEnd]);
  // What is to have the focus may first have to be scrolled to.
  useEffect(() => {
    if (wanted.current === null) return;
    const link = list.current?.querySelector<HTMLElement>(`[data-index="${wanted.current}"]`);
    if (!link) return;
    wanted.current = null;
    link.focus();
  });

  const order = () => videos.map((video) => video.id);
  function select(id: string, range: boolean) {
    onSelect(range ? reached(selection, id, order()) : toggled(selection, id));
  }
  function pressed(event: KeyboardEvent<HTMLUListElement>) {
    const index = Number((event.target as HTMLElement).dataset.index ?? NaN);
    if (event.key === "Escape" && selection.ids.size > 0) {
      event.preventDefault();
      onSelect(NOTHING);
    } else if (event.key === "a" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      onSelect({ ids: new Set(order()), anchor: selection.anchor });
    } else if (!Number.isNaN(index) && event.key === " ") {
      event.preventDefault();
      const video = videos[index];
      if (video) select(video.id, event.shiftKey);
    } else if (!Number.isNaN(index)) {
      const next = moved(event.key, index, columns, videos.length);
      if (next === null) return;
      event.preventDefault();
      wanted.current = next;
      rows.scrollToIndex(Math.floor(next / columns));
      list.current?.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus();
    }
  }
  return (
    <ul
      ref={list}
      aria-label="Videos: arrow keys move, the space bar selects"
      className="relative"
      style={{ height: rows.getTotalSize() }}
      onKeyDown={pressed}
    >
      {shown.flatMap((row) =>
        videos.slice(row.index * columns, (row.index + 1) * columns).map((video, column) => (
          <li
            key={video.id}
            className="absolute"
            style={{
              top: row.start - top,
              left: `calc(${column} * (100% + ${GAP}px) / ${columns})`,
              width: `calc((100% - ${GAP * (columns - 1)}px) / ${columns})`,
              height,
            }}
          >
            <VideoCard
              video={video}
              index={row.index * columns + column}
              selected={selection.ids.has(video.id)}
              onSelect={(range) => select(video.id, range)}
            />
          </li>
        )),
      )}
    </ul>
  );
}
