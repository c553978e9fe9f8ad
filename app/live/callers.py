"""Callers as they were looked up for earlier requests, so that a create asks the database once.

What is remembered decides nothing: admission compares its version with the rows, and refuses a key
that has ended. Until a request comes that far, an ended key may get an answer about its form.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from app.domain.caller import Caller, Status
from app.domain.keys import Scope

#: For how long an ended key is still waited for while it sends a body.
_SECONDS = 60.0
_MOST = 10_000


class Callers:
    """By the SHA-256 of their keys; bounded, the oldest goes first."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._known: dict[bytes, tuple[Caller, float]] = {}

    def find(self, digest: bytes) -> Caller | None:
        caller, until = self._known.get(digest, (None, 0.0))
        return caller if self._now() < until else None

    def remember(self, digest: bytes, caller: Caller | None) -> None:
        """None is a key that nobody has any more. A caller that could be refused for what is known
        of it is not remembered, so that every refusal is of this moment."""
        self._known.pop(digest, None)
        if caller is None or not _may_create_anything(caller):
            return
        if len(self._known) >= _MOST:
            del self._known[next(iter(self._known))]
        self._known[digest] = (caller, self._now() + _SECONDS)


def _may_create_anything(caller: Caller) -> bool:
    limits = caller.restrictions
    return (
        caller.status is Status.ACTIVE
        and caller.has(Scope.GENERATE)
        and limits.models is None
        and limits.addresses is None
    )
