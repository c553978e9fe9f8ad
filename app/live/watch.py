"""Wakes those who wait for a generation in this process.

Postgres notifications only wake them; the truth is a slow poll of the table. So a missed
notification, a pooler that drops them, or a restarted database delays an answer by seconds and
never loses it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from uuid import UUID

import psycopg

from app.db import generations
from app.db.faults import Fault
from app.db.prices import CHANNEL as PRICES
from app.db.session import Database, driver_conninfo
from app.db.transitions import CHANNEL
from app.domain.generation import CLOSED
from app.errors import Unavailable

_LOOK_SECONDS = 2.0
_RECONNECT_SECONDS = 1.0


class Watch:
    """One listening connection and one slow poll for all waiters of a process. `on_notice` is
    called whenever a generation is announced, `on_prices` when prices are, and when the connection
    is new."""

    def __init__(
        self,
        db: Database,
        *,
        look_seconds: float = _LOOK_SECONDS,
        on_notice: Callable[[], None] = lambda: None,
        on_prices: Callable[[], None] = lambda: None,
    ) -> None:
        self._db = db
        self._on_notice = on_notice
        self._on_prices = on_prices
        self._look_seconds = look_seconds
        self._waiting: dict[UUID, set[asyncio.Event]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._released = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Watch]:
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._look())]
        try:
            yield self
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def waiting(self) -> int:
        return sum(map(len, self._waiting.values()))

    async def until_closed(self, generation_id: UUID, *, seconds: float) -> bool:
        """True once the generation is closed; False if the time is over first, or the process
        stops."""
        woken = asyncio.Event()
        self._waiting.setdefault(generation_id, set()).add(woken)
        try:
            # It may have closed before the event was registered.
            async with self._db.single() as tx:
                if await generations.in_states(tx, [generation_id], tuple(CLOSED)):
                    return True
            if not self._released:
                await asyncio.wait_for(woken.wait(), timeout=seconds)
        except TimeoutError:
            return False
        finally:
            waiters = self._waiting[generation_id]
            waiters.discard(woken)
            if not waiters:
                del self._waiting[generation_id]
        return not self._released

    def release(self) -> None:
        """Releases every waiter and accepts no new one: the process is stopping."""
        self._released = True
        for generation_id in list(self._waiting):
            self._wake(generation_id)

    def _wake(self, generation_id: UUID) -> None:
        for woken in self._waiting.get(generation_id, ()):
            woken.set()

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(psycopg.Error, OSError):
                connection = await psycopg.AsyncConnection.connect(
                    driver_conninfo(self._db.session_address), autocommit=True, connect_timeout=5
                )
                async with connection:
                    await connection.execute(f"LISTEN {CHANNEL}; LISTEN {PRICES}")
                    self._on_prices()
                    async for notice in connection.notifies():
                        if notice.channel == PRICES:
                            self._on_prices()
                            continue
                        self._on_notice()
                        with contextlib.suppress(ValueError):
                            self._wake(UUID(notice.payload))
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._look_seconds)
            ids = list(self._waiting)
            if not ids:
                continue
            with contextlib.suppress(Unavailable, Fault):
                async with self._db.single() as tx:
                    for generation_id in await generations.in_states(tx, ids, tuple(CLOSED)):
                        self._wake(generation_id)
