"""The event loop of a process, and the signals that end it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
import signal
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from app.telemetry import logger

log = logger(__name__)


def run(main: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    """Runs `main` with an event that SIGINT and SIGTERM set; a second signal ends it at once."""
    with contextlib.suppress(asyncio.CancelledError):
        run_until_cancelled(main)


def run_until_cancelled(main: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    """Like `run`, but a second signal raises `CancelledError`."""
    import uvloop

    async def guarded() -> None:
        stopping, loop = asyncio.Event(), asyncio.get_running_loop()
        task = asyncio.current_task()

        def on_signal() -> None:
            if stopping.is_set() and task is not None:
                log.warning("stopping_now")
                task.cancel()
            stopping.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, on_signal)
        with signals_held(release=True):
            await main(stopping)

    # Signals wait while nobody handles them.
    with signals_held():
        uvloop.run(guarded())


@contextlib.contextmanager
def signals_held(*, release: bool = False) -> Iterator[None]:
    """Blocks SIGINT and SIGTERM while the block lasts, or unblocks them for that time."""
    inside, outside = signal.SIG_BLOCK, signal.SIG_UNBLOCK
    if release:
        inside, outside = outside, inside
    signal.pthread_sigmask(inside, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(outside, {signal.SIGINT, signal.SIGTERM})


def raise_file_limit() -> None:
    """Each connection needs a file descriptor, and the usual soft limit of 1,024 is less than one
    process serves or holds."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def settle() -> None:
    """After a start: what has been loaded stays. A collector that looked through all of it now and
    then would stop every request for a tenth of a second."""
    gc.collect()
    gc.freeze()
