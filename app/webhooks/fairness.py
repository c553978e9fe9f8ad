"""Fairness between receivers: how many attempts each may have in flight, so that slow ones leave
room for others."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from uuid import UUID


class Fairness:
    """Counts the attempts in flight in this process, per receiver and per owner of receivers.

    It also remembers which receivers have postponed deliveries, and which of them is next when an
    attempt ends.
    """

    def __init__(self, size: int) -> None:
        """`size` is how many attempts this process makes at a time. A receiver may have a quarter
        of them, an owner half."""
        self.per_receiver = max(1, size // 4)
        self.per_owner = max(1, size // 2)
        self._receivers: Counter[UUID] = Counter()
        self._owners: Counter[UUID] = Counter()
        self._waiting: dict[UUID, deque[UUID]] = {}
        self._released = asyncio.Condition()

    async def acquire(self, receiver: UUID, owner: UUID, *, seconds: float) -> bool:
        """False if no slot became free in that time; otherwise call `release` after the attempt. A
        receiver with postponed deliveries is known to be slow, so this does not wait for it."""
        wait = 0.0 if receiver in self._waiting.get(owner, ()) else seconds
        async with self._released:
            try:
                async with asyncio.timeout(wait):
                    await self._released.wait_for(lambda: self._is_free(receiver, owner))
            except TimeoutError:
                return False
            self._receivers[receiver] += 1
            self._owners[owner] += 1
            return True

    async def release(self, receiver: UUID, owner: UUID) -> None:
        async with self._released:
            for counter, key in ((self._receivers, receiver), (self._owners, owner)):
                counter[key] -= 1
                if not counter[key]:
                    del counter[key]
            self._released.notify_all()

    def add_waiting(self, receiver: UUID, owner: UUID) -> None:
        """The receiver has postponed deliveries."""
        waiting = self._waiting.setdefault(owner, deque())
        if receiver not in waiting:
            waiting.append(receiver)

    def next_waiting(self, owner: UUID) -> UUID | None:
        """The next of this owner's receivers that has postponed deliveries and a free slot, in
        turn. If it has more of them, add it again."""
        waiting = self._waiting.get(owner, deque())
        for receiver in list(waiting):
            if self._is_free(receiver, owner):
                waiting.remove(receiver)
                if not waiting:
                    del self._waiting[owner]
                return receiver
        return None

    def _is_free(self, receiver: UUID, owner: UUID) -> bool:
        return (
            self._receivers[receiver] < self.per_receiver and self._owners[owner] < self.per_owner
        )
