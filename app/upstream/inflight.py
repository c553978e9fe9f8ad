"""What a process hears of the upstream through one key, beside what it waits for.

An upstream that takes connections and answers nothing is noticed by its time limit a quarter of an
hour late, and each submission until then may be paid and lost. Waiting alone proves nothing: an
upstream that holds the connection until the video exists is silent for minutes and sound. So two
things are told apart: that nothing at all is heard, which a look-up that costs nothing can settle;
and that submissions wait for much longer than those before them, which only they can.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count, islice

#: Nothing was heard for so long, while submissions wait: it is worth a look-up.
SILENCE_SECONDS = 5.0
#: So many times what the slowest of the last answers took is much longer, but never less than this.
PATIENCE_TIMES = 4
LEAST_PATIENCE_SECONDS = 15.0
_REMEMBERED = 200


class Pulse:
    """`few` below is how many submissions must wait before that says anything."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._numbers = count()
        #: When each submission that waits was sent, in that order.
        self._waiting: dict[int, float] = {}
        self._took: deque[float] = deque(maxlen=_REMEMBERED)
        #: When the youngest submission that was answered had been sent.
        self._answered = float("-inf")
        self._heard_at = float("-inf")
        #: Whether submissions were held back when that was last looked at.
        self.held_back = False
        #: Held by whoever asks the upstream for a sign of life.
        self.asking = asyncio.Lock()

    @contextmanager
    def submission(self) -> Iterator[Callable[[], None]]:
        """While one waits. Where the block ends well, it was answered; what it is given is to be
        called where it was taken: a refusal comes at once, however long a render is waited for."""
        number, sent_at = next(self._numbers), self._clock()
        self._waiting[number] = sent_at
        try:
            yield lambda: self._took.append(self._clock() - sent_at)
            self._answered = max(self._answered, sent_at)
        finally:
            del self._waiting[number]

    def hear(self) -> None:
        """An answer of any kind came, or silence is to be measured anew."""
        self._heard_at = self._clock()

    def silent(self, few: int) -> bool:
        """Whether nothing has been heard for a while although a few submissions wait."""
        since = _youngest(self._waiting.values(), few)
        return since is not None and self._clock() - max(since, self._heard_at) > SILENCE_SECONDS

    def overdue(self, few: int) -> bool:
        """Whether a few submissions wait for much longer than the last answers took. Where one that
        was sent later was answered, it was lost on its way: that holds up no others."""
        since = _youngest((sent for sent in self._waiting.values() if sent >= self._answered), few)
        if since is None or not self._took:
            return False
        patience = max(PATIENCE_TIMES * max(self._took), LEAST_PATIENCE_SECONDS)
        return self._clock() - since > patience


def _youngest(sent: Iterable[float], few: int) -> float | None:
    """When the youngest of the few oldest was sent; None where there are fewer."""
    return next(islice(sent, few - 1, None), None)
