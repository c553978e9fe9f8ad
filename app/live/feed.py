"""One reader of events for all listeners of this process.

It reads about once a second, and at once when a generation is announced: one statement, however
many listeners there are. A listener holds no database connection, and ends with its key or session.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

from app.db import events, generations
from app.db.events import Event, EventPosition, Whose, audiences
from app.db.session import Database
from app.domain.generation import Generation
from app.errors import Unavailable
from app.live.keys import KeysInUse

LOOK_SECONDS = 1.0
_PAGE = 500
#: Events that may wait for one listener. A stream that is further behind ends; its client connects
#: again and continues at its last position.
MAX_BEHIND = 1_000


@dataclass(slots=True)
class FeedItem:
    """An event with its generation as it was when the event was read; None if it is about credits.
    All listeners share it, and `frame`, which the first of them renders."""

    event: Event
    generation: Generation | None
    frame: bytes | None = None


@dataclass(slots=True, eq=False)
class Listener:
    """`wake` is set when there is an event to take, or when the stream has ended."""

    whose: Whose
    member_id: UUID
    lasts_with: UUID
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: deque[FeedItem] = field(default_factory=deque)
    #: Why it ended: `stopping`, `behind`, `revoked` or `left`. Empty while it is open.
    ended: str = ""

    def offer(self, item: FeedItem) -> None:
        if self.ended:
            return
        if len(self.waiting) >= MAX_BEHIND:
            self.end("behind")
            return
        self.waiting.append(item)
        self.wake.set()

    def end(self, reason: str) -> None:
        self.ended = self.ended or reason
        self.wake.set()

    def revoke(self) -> None:
        """Its key or session is no longer valid: what waits is not sent."""
        self.end("revoked")
        self.waiting.clear()

    async def heard(self, *, seconds: float) -> bool:
        """True once there is an event to take or the stream has ended; False after `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.wake.wait()
        return self.wake.is_set()

    def take(self) -> FeedItem | None:
        if self.waiting:
            return self.waiting.popleft()
        if not self.ended:
            self.wake.clear()
        return None


class Feed:
    """`on_fault` gets the error of a read that failed although the database is up."""

    def __init__(
        self,
        db: Database,
        keys: KeysInUse,
        *,
        look_seconds: float = LOOK_SECONDS,
        on_fault: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        self._db = db
        self._keys = keys
        self._look_seconds = look_seconds
        self._on_fault = on_fault
        #: Grouped by whose events they receive, so that an event costs only as much as its own
        #: listeners.
        self._listeners: dict[Whose, set[Listener]] = {}
        self._of_member: Counter[UUID] = Counter()
        self._position: EventPosition | None = None
        self._placed = asyncio.Event()
        self._hurry = asyncio.Event()
        self._released = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Feed]:
        reading = asyncio.create_task(self._read())
        try:
            yield self
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    @property
    def listening(self) -> int:
        return self._of_member.total()

    def listening_of(self, member_id: UUID) -> int:
        return self._of_member[member_id]

    def wake(self) -> None:
        """There are probably new events."""
        self._hurry.set()

    def release(self) -> None:
        """Ends every listener and accepts no new one: the process is stopping."""
        self._released = True
        for listener in self._everybody():
            listener.end("stopping")

    def listen(self, whose: Whose, *, member_id: UUID, lasts_with: UUID) -> Listener:
        """A listener that gets everything the reader reads from now on, while this key or session
        is valid. Pass it to `leave` at the end."""
        listener = Listener(whose, member_id, lasts_with)
        if self._released:
            listener.end("stopping")
        if not self._listeners:
            self.wake()
        self._listeners.setdefault(whose, set()).add(listener)
        self._of_member[member_id] += 1
        self._keys.attach(lasts_with, listener.revoke)
        return listener

    def leave(self, listener: Listener) -> None:
        together = self._listeners.get(listener.whose, set())
        if listener in together:
            self._keys.detach(listener.lasts_with, listener.revoke)
            together.remove(listener)
            if not together:
                del self._listeners[listener.whose]
            self._of_member[listener.member_id] -= 1
            if not self._of_member[listener.member_id]:
                del self._of_member[listener.member_id]
        listener.end("left")
        listener.waiting.clear()

    async def placed(self, *, seconds: float) -> None:
        """Returns once the reader has a position from which it misses nothing, so that earlier
        events can be replayed. Raises `Unavailable` if the database stays away."""
        try:
            await asyncio.wait_for(self._placed.wait(), timeout=seconds)
        except TimeoutError:
            raise Unavailable(
                "The gateway cannot read its events right now.", retry_after_seconds=2
            ) from None

    async def with_generations(self, found: list[Event]) -> list[FeedItem]:
        """These events, each with its generation as it is now. Raises `Unavailable`."""
        known: dict[UUID | None, Generation | None] = {None: None}
        wanted = list({event.generation_id for event in found if event.generation_id is not None})
        if wanted:
            async with self._db.single() as tx:
                for generation in await generations.find_many(tx, wanted):
                    known[generation.id] = generation
        return [FeedItem(event, known[event.generation_id]) for event in found]

    def _everybody(self) -> list[Listener]:
        return [listener for together in self._listeners.values() for listener in together]

    async def _read(self) -> None:
        while True:
            more = False
            if self._listeners:
                more = await self._tried(self._look)
            else:
                # There is no listener to miss anything: the next one begins at a new position.
                self._position = None
                self._placed.clear()
            if not more:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._look_seconds if self._listeners else None):
                        await self._hurry.wait()
                self._hurry.clear()

    async def _tried(self, act: Callable[[], Awaitable[bool]]) -> bool:
        try:
            return await act()
        except Unavailable:
            pass
        except Exception as fault:
            # Without the reader, every listener would wait for ever.
            self._on_fault(fault)
        return False

    async def _look(self) -> bool:
        """Reads a page of events and distributes them. True if there may be more."""
        if self._position is None:
            async with self._db.single() as tx:
                self._position = await events.last_position(tx)
            self._placed.set()
            return False
        async with self._db.single() as tx:
            found = await events.after(tx, self._position, limit=_PAGE)
        wanted = [event for event in found if self._is_wanted(event)]
        for item in await self.with_generations(wanted):
            for whose in audiences(item.event):
                for listener in self._listeners.get(whose, ()):
                    listener.offer(item)
        if found:
            self._position = found[-1].position
        return len(found) == _PAGE

    def _is_wanted(self, event: Event) -> bool:
        return any(whose in self._listeners for whose in audiences(event))
