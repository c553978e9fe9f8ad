"""Pauses and resumes admission or submission."""

from __future__ import annotations

from app.db import audit, jobs
from app.db import pauses as rows
from app.db.pauses import PauseState
from app.domain.operators import Pause
from app.runtime import Runtime


async def states(rt: Runtime) -> list[PauseState]:
    async with rt.db.single() as tx:
        return await rows.states(tx)


async def set_paused(
    rt: Runtime, pause: Pause, *, paused: bool, reason: str | None, actor: str
) -> None:
    """Pauses or resumes. On resuming, everything that waits continues at once."""
    async with rt.db.begin() as tx:
        kept = reason if paused else None
        if await rows.set_paused(tx, pause, paused=paused, reason=kept):
            action = "gateway.pause" if paused else "gateway.resume"
            await audit.record(tx, actor, action, pause.value, team_id=None, reason=reason)
        if not paused and pause is Pause.SUBMISSION:
            await jobs.run_all_now(tx, jobs.Job.SUBMIT)
