"""When a submission that cannot go now is tried again."""

from __future__ import annotations

from datetime import timedelta

from app.db.jobs import Job, enqueue
from app.db.session import Tx
from app.db.transitions import Work
from app.db.turns import postpone_submissions
from app.db.upstream_keys import Slot
from app.runtime import WorkerRuntime

#: How many requests a key may run ahead of its rate. Polls get less, so that submissions go first.
SUBMIT_AHEAD = 20
LONGEST_RETRY_SECONDS = 60.0


async def wait_for_turn(rt: WorkerRuntime, tx: Tx, work: Work, slot: Slot) -> None:
    """Postpones a submission until about its turn, and with it all others that are due. Some keys
    may be set aside; then a few come too early, and are postponed again together."""
    per_minute = rt.settings.upstream_rate_per_minute * len(rt.upstream_key_ids)
    await enqueue(tx, Job.SUBMIT, work.id, priority=work.priority)
    await postpone_submissions(tx, wait_seconds=slot.wait_seconds, per_minute=per_minute)


async def postpone(rt: WorkerRuntime, tx: Tx, work: Work, *, seconds: float) -> None:
    """This submission alone."""
    at = rt.clock.now() + timedelta(seconds=seconds)
    await enqueue(tx, Job.SUBMIT, work.id, priority=work.priority, at=at)


def backoff_seconds(attempts: int) -> float:
    """How long to wait after so many attempts in vain."""
    return min(2.0 ** min(attempts, 12), LONGEST_RETRY_SECONDS)
