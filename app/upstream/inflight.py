"""The submissions of this process through one upstream key that wait for their answers.

If an upstream accepts connections and never answers, the read timeout notices it only after a
quarter of an hour, and each submission until then may be paid and lost. But waiting alone proves
nothing: an upstream that holds the connection until the video exists is silent for minutes and
healthy. So two cases are distinguished. Nothing at all arrives: a free look-up can settle that. Or
submissions wait much longer than earlier ones: only they themselves can show that. And if an
upstream breaks every connection after charging, a burst must not be sent before the first has
failed. So recent submissions count against it until they are answered.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count, islice

#: If submissions wait, silence for this long calls for a look-up.
SILENCE_SECONDS = 5.0
#: Overdue: four times the slowest recent answer, at least 15 s.
OVERDUE_TIMES = 4
LEAST_OVERDUE_SECONDS = 15.0
#: A submission that was sent this recently may still show that no more should be sent.
UNPROVEN_SECONDS = 5.0
_REMEMBERED = 200


class InFlight:
    """`few` is how many submissions must wait before that means anything."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._numbers = count()
        #: When each waiting submission was sent, oldest first.
        self._waiting: dict[int, float] = {}
        self._took: deque[float] = deque(maxlen=_REMEMBERED)
        #: When the latest answers arrived.
        self._answered_at: deque[float] = deque(maxlen=_REMEMBERED)
        #: When the most recently sent of the answered submissions was sent.
        self._answered = float("-inf")
        self._heard_at = float("-inf")
        #: Whether the last check held submissions back.
        self.held_back = False
        #: Held by whoever sends the look-up.
        self.asking = asyncio.Lock()
        self._held: deque[asyncio.Future[None]] = deque()

    @contextmanager
    def submission(self) -> Iterator[Callable[[], None]]:
        """Counts one submission while it waits; if the block ends without an error, it was
        answered. Call the yielded function if the upstream accepted the request: a refusal comes at
        once and says nothing about how long a render takes."""
        number, sent_at = next(self._numbers), self._clock()
        self._waiting[number] = sent_at
        try:
            yield lambda: self._took.append(self._clock() - sent_at)
            self._answered = max(self._answered, sent_at)
            self._answered_at.append(self._clock())
        finally:
            del self._waiting[number]

    def hear(self) -> None:
        """Restarts the silence: any answer arrived."""
        self._heard_at = self._clock()

    def is_silent(self, few: int) -> bool:
        """Whether nothing has arrived for a while although a few submissions wait."""
        since = _youngest(self._waiting.values(), few)
        return since is not None and self._clock() - max(since, self._heard_at) > SILENCE_SECONDS

    def is_overdue(self, few: int) -> bool:
        """Whether a few submissions wait much longer than recent answers took. One that was
        followed by answered submissions was lost on its way and does not count."""
        since = _youngest((sent for sent in self._waiting.values() if sent >= self._answered), few)
        if since is None or not self._took:
            return False
        limit = max(OVERDUE_TIMES * max(self._took), LEAST_OVERDUE_SECONDS)
        return self._clock() - since > limit

    def answers_lately(self) -> int:
        """Each answer lets one more submission be unproven, so an upstream that answers is not
        slowed down."""
        since = self._clock() - UNPROVEN_SECONDS
        return sum(answered > since for answered in self._answered_at)

    async def wait_for_proof(self, seconds: float) -> None:
        """Waits until `prove` lets this one go, or the time is over."""
        held = asyncio.get_running_loop().create_future()
        self._held.append(held)
        try:
            await asyncio.wait({held}, timeout=seconds)
        finally:
            if held in self._held:
                self._held.remove(held)

    def prove(self) -> None:
        """The result of a submission has been recorded, so two waiting ones may check again: one
        takes its place, and one more if it was answered."""
        for _ in range(min(2, len(self._held))):
            held = self._held.popleft()
            if not held.done():
                held.set_result(None)


def _youngest(sent: Iterable[float], few: int) -> float | None:
    """When the latest of the `few` oldest was sent; None if there are fewer."""
    return next(islice(sent, few - 1, None), None)
