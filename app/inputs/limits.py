"""How many images are received at a time and how often, and where they may be fetched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

from app.errors import Unavailable
from app.fetch import FetchPolicy
from app.live.member_limits import ConcurrencyLimit, RateLimit

#: Of one member, as at 1min.ai; and of all, since each takes its size on this machine's disk.
AT_A_TIME = 5
MOST = 20


class UploadLimits:
    """Of one process."""

    def __init__(self, *, per_minute: int) -> None:
        self._rate = RateLimit("uploads", per_minute=per_minute)
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
            self._rate.take(member_id)
            self._there += 1
            try:
                yield
            finally:
                self._there -= 1


def fetch_policy(internal_origins: Iterable[str]) -> FetchPolicy:
    """Any public host over https, and the internal servers that are configured."""
    return FetchPolicy(hosts=None, trusted_origins=frozenset(internal_origins))
