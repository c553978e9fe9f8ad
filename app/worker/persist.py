"""Writing down what came of a job, however long the database is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.errors import Unavailable
from app.telemetry import logger

log = logger(__name__)

_LONGEST_SECONDS = 5.0
_Result = TypeVar("_Result")


async def persisted(write: Callable[[], Awaitable[_Result]]) -> _Result:
    """Repeats `write` until the database took it.

    What the upstream answered exists nowhere else: giving up would turn a paid video into an
    `unknown`. `write` must be safe to repeat after a commit whose news was lost.
    """
    wait = 0.1
    while True:
        try:
            return await write()
        except Unavailable:
            log.warning("database_away", retry_seconds=wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_SECONDS)
