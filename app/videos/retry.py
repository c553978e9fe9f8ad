"""Archives again what was lost or set aside."""

from __future__ import annotations

from uuid import UUID

from app.db import assets, audit, jobs
from app.errors import NotFound
from app.runtime import Runtime


async def retry_archiving(rt: Runtime, generation_id: UUID, *, actor: str) -> None:
    """Tries a video that is lost or set aside again, as if it were new. Raises `NotFound`."""
    async with rt.db.begin() as tx:
        if not await assets.retry(tx, generation_id):
            raise NotFound(f"Generation {generation_id} has no video that is lost or set aside.")
        await jobs.enqueue(tx, jobs.Job.ARCHIVE, generation_id)
        await audit.record(tx, actor, "archive.retry", str(generation_id))
