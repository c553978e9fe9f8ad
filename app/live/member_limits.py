"""Limits of each member in one process, so that no member slows down the others."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from app.errors import RateLimited


@dataclass(slots=True)
class _Line:
    places: asyncio.Semaphore
    there: int = 0


class ConcurrencyLimit:
    """At most `at_a_time` requests of each member run. Up to `line` more wait, for at most
    `wait_seconds` each. `what` names the requests in the error."""

    def __init__(
        self, what: str, *, at_a_time: int, wait_seconds: float = 0.0, line: int = 0
    ) -> None:
        self._what = what
        self._at_a_time = at_a_time
        self._wait_seconds = wait_seconds
        self._most = at_a_time + line
        self._lines: dict[UUID, _Line] = {}

    @contextlib.asynccontextmanager
    async def slot(self, member_id: UUID) -> AsyncIterator[None]:
        """Raises `RateLimited`."""
        own = self._lines.setdefault(member_id, _Line(asyncio.Semaphore(self._at_a_time)))
        if own.there >= self._most:
            raise self._refusal()
        own.there += 1
        try:
            try:
                async with asyncio.timeout(self._wait_seconds or None):
                    await own.places.acquire()
            except TimeoutError:
                raise self._refusal() from None
            try:
                yield
            finally:
                own.places.release()
        finally:
            own.there -= 1
            if not own.there:
                del self._lines[member_id]

    def _refusal(self) -> RateLimited:
        return RateLimited(
            f"{self._at_a_time} {self._what} of this member are being handled, which is the limit "
            "of one process; try again when they have ended.",
            retry_after_seconds=1,
            extra={"limit": "max_at_a_time", "limit_value": self._at_a_time},
        )


class RateLimit:
    """At most `per_minute` actions of each member. `what` names them in the error."""

    def __init__(self, what: str, *, per_minute: int) -> None:
        self._what = what
        self._per_minute = per_minute
        self._step = 60.0 / per_minute
        #: The theoretical arrival time of GCRA, by member.
        self._arrivals: dict[UUID, float] = {}

    def take(self, member_id: UUID) -> None:
        """Raises `RateLimited`."""
        now = time.monotonic()
        arrival = max(self._arrivals.get(member_id, now), now) + self._step
        over = arrival - now - 60.0
        if over > 0:
            raise RateLimited(
                f"A member may do {self._per_minute} {self._what} a minute; try again later.",
                retry_after_seconds=over,
                extra={"limit": "per_minute", "limit_value": self._per_minute},
            )
        self._arrivals[member_id] = arrival
