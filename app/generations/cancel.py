"""Cancels queued generations: one's own, and those of others."""

from __future__ import annotations

from uuid import UUID

from app.db import audit, generations
from app.domain.authority import Actor
from app.domain.generation import Generation, State
from app.errors import NotCancelable, NotFound
from app.generations import lifecycle
from app.generations.story import get_managed
from app.runtime import Runtime


async def cancel(
    rt: Runtime, generation_id: UUID, *, actor: str, reason: str | None = None
) -> Generation:
    """The generation after the attempt to cancel it: `canceled` with its credits released, unless
    it had left the queue already. Raises `NotFound`."""
    async with lifecycle.begin(rt) as transaction:
        canceled = await lifecycle.cancel(transaction, generation_id, now=rt.clock.now())
        # Read here, so that nothing can fail between the commit and the reply.
        generation = await generations.find(transaction.tx, generation_id)
        if canceled and generation is not None:
            await audit.record(
                transaction.tx, actor, "generation.cancel", str(generation_id),
                reason=reason, team_id=generation.team_id,
            )  # fmt: skip
    if generation is None:
        raise NotFound(f"There is no generation {generation_id}.")
    return generation


async def cancel_managed(rt: Runtime, generation_id: UUID, *, actor: Actor) -> Generation:
    """Cancels a generation of a team that the actor manages. Raises `Forbidden`, `NotFound`,
    `NotCancelable`, and `InvalidRequest` without a reason."""
    generation = await get_managed(rt, generation_id, actor=actor)
    actor.require_reason("to cancel a generation of somebody else")
    if generation.state is not State.CANCELED:
        generation = await cancel(rt, generation_id, actor=actor.name, reason=actor.reason)
    if generation.state is not State.CANCELED:
        raise not_cancelable(generation)
    return generation


def not_cancelable(generation: Generation) -> NotCancelable:
    return NotCancelable(
        f"Only a queued generation can be canceled; this one is {generation.state}.",
        extra={"state": generation.state.value},
    )
