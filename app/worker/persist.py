"""Records the result of a job, however long the database is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.db.faults import Fault
from app.errors import Unavailable
from app.telemetry import logger

log = logger(__name__)

_LONGEST_SECONDS = 5.0
#: About ten minutes of attempts: a migration, a failover or an operator may fix the fault.
_MOST_FAULTS = 120
_Result = TypeVar("_Result")


async def persisted(write: Callable[[], Awaitable[_Result]]) -> _Result:
    """Repeats `write` until the database has accepted it.

    The upstream's answer exists nowhere else: giving up would turn a paid video into an `unknown`.
    `write` must be safe to repeat after a commit whose confirmation was lost. A statement that the
    database refuses for another reason is repeated too, but not for ever.
    """
    wait, faults = 0.1, 0
    while True:
        try:
            return await write()
        except Unavailable as away:
            # Such as a row that another session keeps locked.
            cause = type(getattr(away.__cause__, "orig", away.__cause__)).__name__
            log.warning("database_away", cause=cause, retry_seconds=wait)
        except Fault as fault:
            faults += 1
            log.error("not_written", fault=str(fault), attempts=faults)
            if faults >= _MOST_FAULTS:
                raise
        await asyncio.sleep(wait)
        wait = min(wait * 2, _LONGEST_SECONDS)
