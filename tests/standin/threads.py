"""The stand-in in a thread of its own, for tests that drive processes and block while they wait."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from tests.standin.server import StandIn


@contextlib.contextmanager
def running(stand_in: StandIn) -> Iterator[StandIn]:
    """Serves for the length of the block."""
    loop, started = asyncio.new_event_loop(), threading.Event()
    ending = asyncio.Event()

    async def serve() -> None:
        async with stand_in:
            started.set()
            await ending.wait()

    thread = threading.Thread(target=_run, args=(loop, serve()), name="stand-in")
    thread.start()
    try:
        assert started.wait(30), "the stand-in does not start"
        yield stand_in
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join()


def _run(loop: asyncio.AbstractEventLoop, serving: object) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(serving)  # type: ignore[arg-type]
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
