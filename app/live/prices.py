"""The price list of this process.

It is read when it changes: a notification wakes the reader, and a slow poll of the list's revision
is the truth. Whether it is still the newest is not decided here: every admission says which list
its quote is of, and the database refuses one of an older list.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime

from app.db import prices
from app.db.session import Database
from app.domain.catalog.prices import PriceTable
from app.domain.catalog.spec import Spec
from app.domain.prices import PriceList, Quote
from app.errors import Unavailable

LOOK_SECONDS = 10.0


class Prices:
    """`default` are the prices beneath those that are set. `now` is the replaced clock of the
    database, and None for its own. `on_fault` gets the error of a read that failed although the
    database is up."""

    def __init__(
        self,
        db: Database,
        *,
        default: PriceTable,
        clock: Callable[[], datetime],
        now: Callable[[], datetime | None] = lambda: None,
        look_seconds: float = LOOK_SECONDS,
        on_fault: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        self._db = db
        self._default = default
        self._clock = clock
        self._now = now
        self._look_seconds = look_seconds
        self._on_fault = on_fault
        self._list: PriceList | None = None
        self._hurry = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Prices]:
        looking = asyncio.create_task(self._look_again_and_again())
        try:
            yield self
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    def wake(self) -> None:
        """They have probably changed."""
        self._hurry.set()

    async def known(self) -> PriceList:
        """The list as this process knows it. Raises `Unavailable` if it has never been read."""
        return self._list or await self.read()

    async def read(self) -> PriceList:
        """The list as it is now. Raises `Unavailable`."""
        async with self._db.single() as tx:
            found = await prices.read(tx, now=self._now())
        self._list = PriceList(
            found.prices, default=self._default, revision=found.revision, read_at=found.read_at
        )
        return self._list

    async def quote(self, spec: Spec) -> Quote:
        """Raises `PriceUnknown` and `Unavailable`."""
        return (await self.known()).quote(spec, at=self._clock())

    async def quote_again(self, spec: Spec) -> Quote:
        """By the list and the clock of the database, after it refused a quote of an older list, or
        of another instant. Raises `PriceUnknown` and `Unavailable`."""
        found = await self.read()
        return found.quote(spec, at=found.read_at)

    async def look(self) -> None:
        """Reads the list again if it has changed. The first request reads it: when a process
        starts, its database may be away. Raises `Unavailable`."""
        if self._list is None:
            return
        async with self._db.single() as tx:
            changed = await prices.revision_of(tx) != self._list.revision
        if changed:
            await self.read()

    async def _look_again_and_again(self) -> None:
        while True:
            try:
                await self.look()
            except Unavailable:
                pass
            except Exception as fault:
                self._on_fault(fault)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._look_seconds):
                    await self._hurry.wait()
            self._hurry.clear()
