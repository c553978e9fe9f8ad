"""One run of a query that everybody who asks for it meanwhile shares."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """For what anybody may ask without a key: however many do, it runs once at a time and takes one
    connection to the database. `run` raises nothing that it does not mean for all of them."""

    def __init__(self, run: Callable[[], Awaitable[T]]) -> None:
        self._run = run
        self._running: asyncio.Task[T] | None = None

    async def __call__(self) -> T:
        if self._running is None:
            self._running = asyncio.create_task(self._to_its_end())
        # One that goes away does not end it for the others.
        return await asyncio.shield(self._running)

    async def _to_its_end(self) -> T:
        try:
            return await self._run()
        finally:
            self._running = None
