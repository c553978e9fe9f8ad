"""Server-sent events over plain ASGI (WHATWG HTML, 9.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

#: A client that reads nothing for this long is cut off: what is buffered for it costs memory.
SEND_SECONDS = 30.0

_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    # Otherwise proxies buffer the stream (this header is nginx's).
    "X-Accel-Buffering": "no",
}


def frame(data: bytes, *, event: str, event_id: int | None = None) -> bytes:
    """One event. `data` is a single line."""
    numbered = b"" if event_id is None else b"id: %d\n" % event_id
    return numbered + b"event: " + event.encode() + b"\ndata: " + data + b"\n\n"


def beginning(*, retry_milliseconds: int, event_id: int | None) -> bytes:
    """The retry delay and, in an event of its own, the position: a client whose connection breaks
    before its first event resumes from there."""
    retry = b"retry: %d\n" % retry_milliseconds
    if event_id is None:
        return retry + b"\n"
    return retry + frame(b'{"object":"listening"}', event="listening", event_id=event_id)


HEARTBEAT = b": still here\n\n"


class EventStream(Response):
    """Sends what `frames` yields. `leave` makes `frames` end; it is called when the client
    disconnects, and once at the end in any case."""

    def __init__(
        self,
        frames: AsyncGenerator[bytes, None],
        *,
        leave: Callable[[], None],
        send_seconds: float = SEND_SECONDS,
    ) -> None:
        super().__init__(headers=_HEADERS)
        # The length of a stream is not known.
        del self.headers["content-length"]
        self._frames = frames
        self._leave = leave
        self._send_seconds = send_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        leaving = asyncio.create_task(_hung_up(receive))
        leaving.add_done_callback(lambda _: self._leave())
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for part in self._frames:
                async with asyncio.timeout(self._send_seconds):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            abort: Callable[[], None] | None = scope.get("reelgate.abort")
            if abort is not None:
                abort()
        finally:
            leaving.cancel()
            await self._frames.aclose()
            self._leave()


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
