"""Canceling what is still queued."""

from __future__ import annotations

from uuid import UUID

from app.db import transitions
from app.domain.generation import State
from app.generations import lifecycle
from app.runtime import Runtime


async def cancel(rt: Runtime, generation_id: UUID) -> bool:
    """Cancels what is queued; its credits are free again at once. True also where somebody has
    just canceled it; False where it was sent."""
    async with lifecycle.begin(rt) as transaction:
        if await lifecycle.cancel(transaction, generation_id, now=rt.clock.now()):
            return True
        work = await transitions.find_work(transaction.tx, generation_id)
    return work is not None and work.state is State.CANCELED
