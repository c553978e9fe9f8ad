"""The header that says when to poll a generation again, the same in every dialect."""

from __future__ import annotations

import math

from app.db.durations import History
from app.domain.generation import FINAL, Generation
from app.generations import progress
from app.generations.queries import Waiting
from app.runtime import ApiRuntime


def look_again(
    rt: ApiRuntime, generation: Generation, history: History, waiting: Waiting | None = None
) -> dict[str, str]:
    """`Retry-After`, until the generation has ended. `waiting` is what a queued one waits for, if
    that is known."""
    if generation.state in FINAL:
        return {}
    seconds = progress.look_again_seconds(generation, history, now=rt.clock.now())
    return {"Retry-After": str(math.ceil(waiting.retry_after_seconds if waiting else seconds))}
