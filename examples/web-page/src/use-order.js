import { useCallback, useEffect, useState } from "react";

const STATES = ["queued", "submitting", "running", "succeeded", "failed", "canceled", "unknown"];
const EVENTS = [...STATES.map((state) => `generation.${state}`), "video.archived"];
const SAVED = "order";
const AGAIN_MILLISECONDS = 3_000;
// The gateway knows a click for two days. After that it would make another video.
const REPEATABLE_MILLISECONDS = 24 * 3_600_000;

// crypto.randomUUID exists only on HTTPS and on localhost.
const newClick = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

// A video is followed until it is archived, since it has no poster before.
const isOver = ({ state, video }) =>
  ["failed", "canceled"].includes(state) || (state === "succeeded" && video?.state !== "pending");

// Every answer has a new link to the same video, and a player that gets another link starts over.
// Events do not say what a queued video waits for.
function merged(before, next) {
  const url = next.video?.url && before?.video?.url;
  const video = url ? { ...next.video, url } : next.video;
  return { ...next, video, waiting: next.waiting ?? before?.waiting };
}

const load = () => JSON.parse(sessionStorage.getItem(SAVED));
const save = (order) => sessionStorage.setItem(SAVED, JSON.stringify(order));
const forget = () => sessionStorage.removeItem(SAVED);

/**
 * One video, from the click to its end. A reload of the page finds it again.
 *
 * `generation` is what the gateway says of it. `refusal` says why there is none, and `trouble` why
 * the page is asking again.
 */
export function useOrder() {
  const [order, setOrder] = useState(load);
  // Made before the click, so that a double click is one click.
  const [click, setClick] = useState(newClick);
  const [generation, setGeneration] = useState(null);
  const [refusal, setRefusal] = useState(null);
  const [trouble, setTrouble] = useState(null);

  const show = useCallback((next) => {
    setTrouble(null);
    setGeneration((before) => merged(before, next));
  }, []);

  const end = useCallback((reason) => {
    forget();
    setOrder(null);
    setClick(newClick());
    setGeneration(null);
    setTrouble(null);
    setRefusal(reason);
  }, []);

  useEffect(() => {
    if (!order) return undefined;
    const left = new AbortController();
    let { id } = order;
    let source, timer;

    function again(reason) {
      setTrouble(reason);
      timer = setTimeout(ask, AGAIN_MILLISECONDS);
    }

    function request() {
      if (id) return fetch(`/api/videos/${id}`, { signal: left.signal });
      return fetch("/api/videos", {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": order.click },
        body: JSON.stringify(order.wish),
        signal: left.signal,
      });
    }

    async function ask() {
      if (!id && Date.now() - order.at > REPEATABLE_MILLISECONDS) {
        end("No answer arrived for a day. Ask an administrator whether there is a video.");
        return;
      }
      let answer, body;
      try {
        answer = await request();
        body = await answer.json();
      } catch {
        if (!left.signal.aborted) again("No answer arrived. Asking again: nothing is paid twice.");
        return;
      }
      if (left.signal.aborted) return;
      if (answer.status >= 500) again(`${body.detail} Asking again: nothing is paid twice.`);
      else if (!answer.ok) end(body.detail);
      else {
        id = body.generation.id;
        save({ ...order, id });
        show(body.generation);
        if (!isOver(body.generation)) listen(body.events);
      }
    }

    function listen(address) {
      source = new EventSource(address);
      for (const type of EVENTS) {
        source.addEventListener(type, (event) => {
          const next = JSON.parse(event.data).generation;
          show(next);
          if (isOver(next)) source.close();
        });
      }
      // It reconnects by itself until it is refused: the stream is over, or its token has expired.
      source.onerror = () => source.readyState === EventSource.CLOSED && again(null);
    }

    ask();
    return () => {
      left.abort();
      clearTimeout(timer);
      source?.close();
    };
  }, [order, show, end]);

  function send(wish) {
    const next = { click, wish, at: Date.now() };
    save(next);
    setRefusal(null);
    setOrder(next);
  }

  /** Returns why it cannot be canceled, or null. */
  async function cancel() {
    try {
      const answer = await fetch(`/api/videos/${generation.id}/cancel`, { method: "POST" });
      const body = await answer.json();
      if (!answer.ok) return body.detail;
      show(body);
      return null;
    } catch {
      return "No answer arrived, so it may not be canceled.";
    }
  }

  const another = () => end(null);
  return { wish: order?.wish, generation, refusal, trouble, send, cancel, another };
}
