"""How many images are received at a time and how often, and where they may be fetched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from app.db import inputs
from app.db.session import Database
from app.errors import RateLimited, Unavailable
from app.fetch import FetchPolicy
from app.live.member_limits import ConcurrencyLimit

#: Of one member, as at 1min.ai; and of all, since each takes its size on this machine's disk.
AT_A_TIME = 5
MOST = 20


class UploadLimits:
    """The rate is that of all processes; how many there are at a time, of one. `now` None: the
    database's own time."""

    def __init__(
        self, db: Database, *, per_minute: int, now: Callable[[], datetime | None]
    ) -> None:
        self._db, self._per_minute, self._now = db, per_minute, now
        self._each = ConcurrencyLimit("uploads", at_a_time=AT_A_TIME)
        self._there = 0

    @asynccontextmanager
    async def place(self, member_id: UUID) -> AsyncIterator[None]:
        """For one upload. Raises `RateLimited` and `Unavailable`."""
        if self._there >= MOST:
            raise Unavailable(
                "Too many images are being uploaded right now.", retry_after_seconds=2
            )
        async with self._each.slot(member_id):
            self._there += 1
            try:
                await self._take(member_id)
                yield
            finally:
                self._there -= 1

    async def _take(self, member_id: UUID) -> None:
        async with self._db.begin() as tx:
            over = await inputs.take_upload(
                tx, member_id, per_minute=self._per_minute, now=self._now()
            )
        if over:
            raise RateLimited(
                f"A member may do {self._per_minute} uploads a minute; try again later.",
                retry_after_seconds=over,
                extra={"limit": "per_minute", "limit_value": self._per_minute},
            )


def fetch_policy(internal_origins: Iterable[str]) -> FetchPolicy:
    """Any public host over https, and the internal servers that are configured."""
    return FetchPolicy(hosts=None, trusted_origins=frozenset(internal_origins))
