import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { meQuery } from "@/api/me";
import { at } from "@/lib/place";

/** Events about generations, as `EventSource` names them. */
const STATES = ["queued", "submitting", "running", "succeeded", "failed", "canceled", "unknown"];
const FILES = ["archived", "deleted", "lost"].map((name) => `video.${name}`);
const EVENTS = [...STATES.map((name) => `generation.${name}`), ...FILES];
const LONGEST_MS = 30_000;

/**
 * One connection of this tab for all its pages. An event invalidates what it is about; the pages
 * ask again for what they show. Says whether it is connected.
 */
export function useLive(): boolean {
  const queries = useQueryClient();
  const [connected, setConnected] = useState(true);
  useEffect(() => {
    let source: EventSource | undefined;
    let timer: number | undefined;
    let seen = "";
    let failures = 0;

    function heard(event: MessageEvent<string>) {
      seen = event.lastEventId;
      void queries.invalidateQueries({ queryKey: ["generations"] });
      void queries.invalidateQueries({ queryKey: meQuery.queryKey });
      void queries.invalidateQueries({ queryKey: ["keys"] });
    }

    function connect() {
      const after = seen && `?last_event_id=${encodeURIComponent(seen)}`;
      source = new EventSource(at(`api/v1/events${after}`));
      source.addEventListener("listening", (event: MessageEvent<string>) => {
        seen = event.lastEventId || seen;
      });
      for (const name of EVENTS) source.addEventListener(name, heard);
      source.onopen = () => {
        if (failures > 0) void queries.invalidateQueries();
        failures = 0;
        setConnected(true);
      };
      source.onerror = () => {
        failures += 1;
        setConnected(false);
        // After an answer that is no stream, the browser gives up; this does not.
        if (source?.readyState !== EventSource.CLOSED) return;
        timer = window.setTimeout(connect, Math.min(LONGEST_MS, 1000 * 2 ** failures));
        // A session that has ended shows itself by the next question.
        void queries.invalidateQueries({ queryKey: meQuery.queryKey });
      };
    }

    connect();
    return () => {
      source?.close();
      window.clearTimeout(timer);
    };
  }, [queries]);
  return connected;
}
