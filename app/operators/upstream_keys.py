"""Returns upstream keys that were set aside to use."""

from __future__ import annotations

from app.db import audit, jobs, upstream_keys
from app.errors import NotFound
from app.runtime import Runtime


async def return_to_use(rt: Runtime, label: str, *, actor: str) -> None:
    """Uses an upstream key again that was set aside. Raises `NotFound`."""
    async with rt.db.begin() as tx:
        if not await upstream_keys.return_to_use(tx, label):
            raise NotFound(f"There is no upstream key {label}.")
        await audit.record(tx, actor, "upstream_key.return", label)
        await jobs.run_all_now(tx, jobs.Job.SUBMIT)
