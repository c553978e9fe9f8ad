"""How long generations take: read from the database at most every few seconds, and shared by all
requests of a process."""

from __future__ import annotations

import math
import time

from app.db import durations
from app.db.durations import History
from app.db.session import Database
from app.domain.catalog.spec import Spec

#: How long a history is reused. Each video changes it, but only a little.
_FRESH_SECONDS = 15.0
NO_HISTORY = History(samples=0, p10_seconds=0, p50_seconds=0, p90_seconds=0)


class Durations:
    """The histories of this process, by kind."""

    def __init__(self, db: Database) -> None:
        self._db = db
        #: When each was read, on the monotonic clock, and its value.
        self._read: dict[str, tuple[float, History]] = {}

    async def of(self, spec: Spec) -> History:
        """How long similar generations took, at most a few seconds old. Raises `Unavailable`."""
        read_at, history = self._read.get(spec.kind, (-math.inf, NO_HISTORY))
        if time.monotonic() - read_at > _FRESH_SECONDS:
            async with self._db.single() as tx:
                history = await durations.history_of(tx, spec.kind)
            self._read[spec.kind] = (time.monotonic(), history)
        return history

    def at_hand(self, spec: Spec) -> History:
        """What was read last, however old, or nothing: for responses that must not wait."""
        found = self._read.get(spec.kind)
        return NO_HISTORY if found is None else found[1]

    def forget(self) -> None:
        self._read.clear()
