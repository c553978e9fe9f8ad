"""The submissions of this process through one upstream key that wait for their answer.

An upstream that takes connections and answers nothing is noticed by its time limit a quarter of an
hour late, and each submission until then may be paid and lost. Waiting alone proves nothing: an
upstream that holds the connection until the video exists is silent for minutes and sound. So two
things are told apart: that nothing at all is heard, which a look-up that costs nothing can settle;
and that submissions wait for much longer than those before them, which only they can. And an
upstream that breaks every connection after it was paid must not be sent a burst before the first of
them has broken: what has just been sent counts against it until it is answered.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count, islice

#: With submissions waiting, silence for this long is worth a look-up.
SILENCE_SECONDS = 5.0
#: Overdue: four times the slowest recent answer, at least 15 s.
OVERDUE_TIMES = 4
LEAST_OVERDUE_SECONDS = 15.0
#: A submission that was sent so lately may yet prove that none should be.
UNPROVEN_SECONDS = 5.0
_REMEMBERED = 200


class InFlight:
    """`few` below is how many submissions must wait before that says anything."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._numbers = count()
        #: When each waiting submission was sent, oldest first.
        self._waiting: dict[int, float] = {}
        self._took: deque[float] = deque(maxlen=_REMEMBERED)
        #: When the last answers came.
        self._answered_at: deque[float] = deque(maxlen=_REMEMBERED)
        #: When the youngest answered submission had been sent.
        self._answered = float("-inf")
        self._heard_at = float("-inf")
        #: Whether the last check held submissions back.
        self.held_back = False
        #: Held by whoever asks the upstream for a sign of life.
        self.asking = asyncio.Lock()
        self._held: deque[asyncio.Future[None]] = deque()

    @contextmanager
    def submission(self) -> Iterator[Callable[[], None]]:
        """One submission, while it waits; a block that ends without an error was answered. Call
        what it yields where the upstream took the request: a refusal comes at once and says
        nothing about how long a render takes."""
        number, sent_at = next(self._numbers), self._clock()
        self._waiting[number] = sent_at
        try:
            yield lambda: self._took.append(self._clock() - sent_at)
            self._answered = max(self._answered, sent_at)
            self._answered_at.append(self._clock())
        finally:
            del self._waiting[number]

    def hear(self) -> None:
        """Restarts the silence: an answer of any kind came."""
        self._heard_at = self._clock()

    def is_silent(self, few: int) -> bool:
        """Whether nothing has been heard for a while although a few submissions wait."""
        since = _youngest(self._waiting.values(), few)
        return since is not None and self._clock() - max(since, self._heard_at) > SILENCE_SECONDS

    def is_overdue(self, few: int) -> bool:
        """Whether a few submissions wait for much longer than recent answers took. One whose
        successors were answered was lost on its way and holds up nobody."""
        since = _youngest((sent for sent in self._waiting.values() if sent >= self._answered), few)
        if since is None or not self._took:
            return False
        limit = max(OVERDUE_TIMES * max(self._took), LEAST_OVERDUE_SECONDS)
        return self._clock() - since > limit

    def answers_lately(self) -> int:
        """Each answer lets one more be unproven, so an upstream that answers is not slowed down."""
        since = self._clock() - UNPROVEN_SECONDS
        return sum(answered > since for answered in self._answered_at)

    async def wait_for_proof(self, seconds: float) -> None:
        """Until `prove` calls this one, or the time is over."""
        held = asyncio.get_running_loop().create_future()
        self._held.append(held)
        try:
            await asyncio.wait({held}, timeout=seconds)
        finally:
            if held in self._held:
                self._held.remove(held)

    def prove(self) -> None:
        """The end of a submission has been recorded: two that were held may look again. One takes
        its place, and one more where it was an answer."""
        for _ in range(min(2, len(self._held))):
            held = self._held.popleft()
            if not held.done():
                held.set_result(None)


def _youngest(sent: Iterable[float], few: int) -> float | None:
    """When the youngest of the `few` oldest was sent; None where there are fewer."""
    return next(islice(sent, few - 1, None), None)
