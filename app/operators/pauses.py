"""Pausing admission or submission, and going on."""

from __future__ import annotations

from app.db import audit, jobs, pauses
from app.domain.operators import Switch
from app.runtime import Runtime


async def set_paused(
    rt: Runtime, switch: Switch, *, paused: bool, reason: str | None, actor: str
) -> None:
    """Pauses or resumes; what waited for it goes on at once."""
    async with rt.db.begin() as tx:
        if await pauses.turn(tx, switch, paused=paused, reason=reason):
            action = "gateway.pause" if paused else "gateway.resume"
            await audit.record(tx, actor, action, switch.value, reason=reason)
        if not paused and switch is Switch.SUBMISSION:
            await jobs.run_all_now(tx, jobs.Job.SUBMIT)
