"""Telling receivers: one try for each job."""

from __future__ import annotations

from uuid import UUID

from app import telling
from app.runtime import Runtime
from app.worker.persist import persisted


async def tell(rt: Runtime, delivery_id: UUID) -> None:
    """One try at a delivery; the next one is a job of its own."""
    tried = await telling.attempt(rt, delivery_id)
    if tried is not None:
        await persisted(lambda: telling.record(rt, tried))
