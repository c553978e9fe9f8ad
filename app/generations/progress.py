"""How far a generation is: elapsed time against the durations of similar ones. Never a made-up
figure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from app.db.durations import History
from app.domain.generation import CLOSED, FINAL, Generation, State
from app.domain.polling import ENOUGH_SAMPLES

#: How long one takes if there is no history. The upstream's page for Luma says about seven minutes.
_USUAL_SECONDS = 420.0
_SLOW_SECONDS = 600.0
#: Shown at the p90 of similar ones; the rest up to 100 is for those that take longer.
_PERCENT_AT_P90 = 95
_LEAST_LOOK_SECONDS = 2.0
_MOST_LOOK_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Seconds since it was sent upstream (0 while queued), and the p50 and p90 of recent similar
    ones; None if there were too few."""

    elapsed_seconds: float
    p50_seconds: float | None
    p90_seconds: float | None

    @property
    def percent(self) -> int:
        """For APIs that require a number: 0 to 99, growing as long as it takes."""
        slow = self.p90_seconds or _SLOW_SECONDS
        if self.elapsed_seconds <= slow:
            return math.floor(_PERCENT_AT_P90 * self.elapsed_seconds / slow)
        over = self.elapsed_seconds / slow - 1
        return min(99, _PERCENT_AT_P90 + math.floor((100 - _PERCENT_AT_P90) * over / (1 + over)))


def progress_of(generation: Generation, history: History, *, now: datetime) -> Progress:
    since, until = generation.submitted_at, generation.finished_at or now
    known = history.samples >= ENOUGH_SAMPLES
    return Progress(
        elapsed_seconds=0.0 if since is None else max((until - since).total_seconds(), 0.0),
        p50_seconds=history.p50_seconds if known else None,
        p90_seconds=history.p90_seconds if known else None,
    )


def percent_of(generation: Generation, history: History, *, now: datetime) -> int:
    """0 while queued, 100 once there is a video, in between below 100."""
    if generation.state is State.SUCCEEDED:
        return 100
    if generation.state in FINAL or generation.state is State.QUEUED:
        return 0
    return max(1, progress_of(generation, history, now=now).percent)


def look_again_seconds(generation: Generation, history: History, *, now: datetime) -> float:
    """When to poll again: after a tenth of the time that half of the similar ones still need."""
    if generation.state is State.UNKNOWN:
        return _MOST_LOOK_SECONDS
    if generation.state in CLOSED:
        return _LEAST_LOOK_SECONDS
    progress = progress_of(generation, history, now=now)
    expected = progress.p50_seconds or _USUAL_SECONDS
    left = max(expected - progress.elapsed_seconds, 0.0)
    return min(max(left / 10, _LEAST_LOOK_SECONDS), _MOST_LOOK_SECONDS)
