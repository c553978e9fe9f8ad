"""Shares of a lane: how much of it each may have in flight, so that who takes long leaves room."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from uuid import UUID


class Fairness:
    """Tries that are in flight in this process, of each receiver and of each owner of receivers.

    `put_off` remembers which receivers were turned away; `next_of` says which of an owner's may
    come again when something of that owner has ended.
    """

    def __init__(self, size: int) -> None:
        """`size` is that of the lane: a receiver may have a quarter of it, an owner a half."""
        self.of_receiver = max(1, size // 4)
        self.of_owner = max(1, size // 2)
        self._receivers: Counter[UUID] = Counter()
        self._owners: Counter[UUID] = Counter()
        self._put_off: dict[UUID, deque[UUID]] = {}
        self._freed = asyncio.Condition()

    async def take(self, receiver: UUID, owner: UUID, *, seconds: float) -> bool:
        """False where there was none within so long; else it is to be given back by `free`. Nobody
        waits behind those that were put off: who is turned away once is known to take long."""
        wait = 0.0 if receiver in self._put_off.get(owner, ()) else seconds
        async with self._freed:
            try:
                async with asyncio.timeout(wait):
                    await self._freed.wait_for(lambda: self._is_free(receiver, owner))
            except TimeoutError:
                return False
            self._receivers[receiver] += 1
            self._owners[owner] += 1
            return True

    async def free(self, receiver: UUID, owner: UUID) -> None:
        async with self._freed:
            for counter, key in ((self._receivers, receiver), (self._owners, owner)):
                counter[key] -= 1
                if not counter[key]:
                    del counter[key]
            self._freed.notify_all()

    def put_off(self, receiver: UUID, owner: UUID) -> None:
        waiting = self._put_off.setdefault(owner, deque())
        if receiver not in waiting:
            waiting.append(receiver)

    def next_of(self, owner: UUID) -> UUID | None:
        """A receiver of this owner that was put off and has room now, one after the other. To be
        put off again where more of it waits."""
        waiting = self._put_off.get(owner, deque())
        for receiver in list(waiting):
            if self._is_free(receiver, owner):
                waiting.remove(receiver)
                if not waiting:
                    del self._put_off[owner]
                return receiver
        return None

    def _is_free(self, receiver: UUID, owner: UUID) -> bool:
        return self._receivers[receiver] < self.of_receiver and self._owners[owner] < self.of_owner
