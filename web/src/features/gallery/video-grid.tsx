import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Generation } from "./queries";
import { VideoCard } from "./video-card";

const NARROWEST = 240;
const GAP = 16;
/** Of the words below a picture. */
const WORDS = 92;

/** Only the rows in sight are in the document, so ten thousand videos scroll like ten. */
export function VideoGrid({ videos, onEnd }: { videos: Generation[]; onEnd: () => void }) {
  const list = useRef<HTMLUListElement>(null);
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
  return (
    <ul ref={list} className="relative" style={{ height: rows.getTotalSize() }}>
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
            <VideoCard video={video} />
          </li>
        )),
      )}
    </ul>
  );
}
