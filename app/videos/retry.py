"""Archives again what was lost or set aside."""

from __future__ import annotations

from uuid import UUID

from app.db import assets, audit, jobs
from app.domain.authority import Actor
from app.errors import NotSetAside
from app.generations.story import get_managed
from app.runtime import Runtime


async def retry_archiving(rt: Runtime, generation_id: UUID, *, actor: Actor) -> None:
    """Tries a video that is lost or set aside again, as if it were new. Raises `Forbidden`,
    `NotFound` and `NotSetAside`."""
    generation = await get_managed(rt, generation_id, actor=actor)
    async with rt.db.begin() as tx:
        if not await assets.retry(tx, generation_id):
            raise NotSetAside(f"Generation {generation_id} has no video that is lost or set aside.")
        await jobs.enqueue(tx, jobs.Job.ARCHIVE, generation_id)
        await audit.record(
            tx,
            actor.name,
            "archive.retry",
            str(generation_id),
            reason=actor.reason,
            team_id=generation.team_id,
        )
