"""How long generations take: read from the database at most every few seconds, and shared by all
requests of a process."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterable, Mapping

from app.db import durations
from app.db.durations import History, ModelTimes
from app.db.session import Database
from app.domain.catalog.models import Model
from app.domain.catalog.spec import Spec

#: How long a history is reused. Each video changes it, but only a little.
_FRESH_SECONDS = 15.0
#: The same of all models, which takes longer to read.
_ALL_FRESH_SECONDS = 60.0
NO_HISTORY = History(samples=0, p10_seconds=0, p50_seconds=0, p90_seconds=0)


class Durations:
    """The histories of this process, by kind."""

    def __init__(self, db: Database) -> None:
        self._db = db
        #: When each was read, on the monotonic clock, and its value.
        self._read: dict[str, tuple[float, History]] = {}
        self._all_read_at = -math.inf
        self._all: Mapping[str, ModelTimes] = {}
        self._reading_all = asyncio.Lock()

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

    async def of_models(self, models: Iterable[Model]) -> Mapping[str, ModelTimes]:
        """How long recent generations of each of these models waited and took, at most a minute
        old; without the models that made none. Whoever comes while it is read waits for that.
        Raises `Unavailable`."""
        async with self._reading_all:
            if time.monotonic() - self._all_read_at > _ALL_FRESH_SECONDS:
                kinds = {model.id: model.kinds for model in models}
                async with self._db.single() as tx:
                    self._all = await durations.times_of_models(tx, kinds)
                self._all_read_at = time.monotonic()
        return self._all

    def forget(self) -> None:
        self._read.clear()
        self._all_read_at = -math.inf
