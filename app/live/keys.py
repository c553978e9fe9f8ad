"""The keys in use by this process, and the sessions of browsers that act with them: when each key
was last used, and what to end when one becomes invalid.

Requests do no extra work for that. Every few seconds one statement asks which of open streams and
waits are no longer valid, and about once a minute another one records the uses.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime
from uuid import UUID

from app.db import api_keys
from app.db.session import Database
from app.errors import Unavailable

#: How long streams and waits last at most after their key or session has ended.
LOOK_SECONDS = 3.0
#: How old the recorded last use of a key can be.
NOTE_SECONDS = 60.0


class KeysInUse:
    """`now` is the time at which keys must be valid; None is the database's own time. `on_fault`
    gets the error of a statement that failed although the database is up."""

    def __init__(
        self,
        db: Database,
        *,
        now: Callable[[], datetime | None] = lambda: None,
        on_fault: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        self._db = db
        self._now = now
        self._on_fault = on_fault
        self._attached: dict[UUID, list[Callable[[], object]]] = {}
        self._used: dict[UUID, float] = {}
        self._note_due = time.monotonic() + NOTE_SECONDS

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[KeysInUse]:
        looking = asyncio.create_task(self._look_again_and_again())
        try:
            yield self
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            await self._tried(self.note)

    def used(self, key_id: UUID) -> None:
        self._used[key_id] = time.monotonic()

    @contextlib.contextmanager
    def attached(self, lasts_with: UUID, end: Callable[[], object]) -> Iterator[None]:
        """Calls `end` if the key, or the session, with this id ends while the block runs."""
        self.attach(lasts_with, end)
        try:
            yield
        finally:
            self.detach(lasts_with, end)

    def attach(self, lasts_with: UUID, end: Callable[[], object]) -> None:
        self._attached.setdefault(lasts_with, []).append(end)

    def detach(self, lasts_with: UUID, end: Callable[[], object]) -> None:
        attached = self._attached.get(lasts_with, [])
        if end in attached:
            attached.remove(end)
            if not attached:
                del self._attached[lasts_with]

    async def look(self) -> None:
        """Ends streams and waits whose key or session is no longer valid. Raises `Unavailable`."""
        attached = set(self._attached)
        if not attached:
            return
        async with self._db.single() as tx:
            valid = await api_keys.still_valid(tx, attached, now=self._now())
        for ended in attached - valid:
            for end in self._attached.pop(ended, []):
                end()

    async def note(self) -> None:
        """Records when keys were last used. Raises `Unavailable`."""
        noted, self._used = self._used, {}
        if not noted:
            return
        now = time.monotonic()
        try:
            async with self._db.single() as tx:
                ago = {key_id: now - at for key_id, at in noted.items()}
                await api_keys.note_last_use(tx, ago)
        except BaseException:
            self._used = noted | self._used
            raise

    async def _look_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._tried(self.look)
            if time.monotonic() >= self._note_due:
                self._note_due = time.monotonic() + NOTE_SECONDS
                await self._tried(self.note)

    async def _tried(self, act: Callable[[], Awaitable[None]]) -> None:
        try:
            await act()
        except Unavailable:
            pass
        except Exception as fault:
            self._on_fault(fault)
