"""Cancels queued generations."""

from __future__ import annotations

from uuid import UUID

from app.db import audit, generations
from app.domain.generation import Generation
from app.errors import NotFound
from app.generations import lifecycle
from app.runtime import Runtime


async def cancel(rt: Runtime, generation_id: UUID, *, actor: str) -> Generation:
    """The generation after the attempt to cancel it: `canceled` with its credits released, unless
    it had left the queue already. Raises `NotFound`."""
    async with lifecycle.begin(rt) as transaction:
        if await lifecycle.cancel(transaction, generation_id, now=rt.clock.now()):
            await audit.record(transaction.tx, actor, "generation.cancel", str(generation_id))
        # Read here, so that nothing can fail between the commit and the reply.
        generation = await generations.find(transaction.tx, generation_id)
    if generation is None:
        raise NotFound(f"There is no generation {generation_id}.")
    return generation
