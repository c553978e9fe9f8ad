"""Corrects what an ended generation has cost, with an audit line: a refund, or a charge that was
found later."""

from __future__ import annotations

from uuid import UUID

from app.db import audit, ledger, notices
from app.db.ledger import Correction
from app.domain.authority import Actor
from app.errors import InvalidRequest, Issue, NotFound
from app.runtime import Runtime


async def correct(
    rt: Runtime, generation_id: UUID, *, settled_credits: int, actor: Actor
) -> Correction:
    """Makes what a generation has cost `settled_credits`, from 0 to its quote, by an entry of the
    ledger. It counts in the period in which the generation was created. Raises `Forbidden`,
    `NotFound`, and `InvalidRequest`, also without a reason, while its credits are held, or if it
    has cost that already: the same request again corrects nothing."""
    actor.require_operator()
    actor.require_reason("to correct what a generation has cost")
    async with rt.db.begin() as tx:
        cost = await ledger.find_cost(tx, generation_id, lock=True)
        if cost is None:
            raise _unknown(generation_id)
        if cost.settled is None:
            raise _invalid(
                f"can be corrected once the generation has ended; it is {cost.state} and holds "
                f"{cost.quote}", settled_credits,
            )  # fmt: skip
        if not 0 <= settled_credits <= cost.quote:
            raise _invalid(f"must be from 0 to {cost.quote}, its quote", settled_credits)
        if settled_credits == cost.settled:
            raise _invalid("is what it has cost already", settled_credits)
        correction = await ledger.correct(
            tx, generation_id, settled=settled_credits, reason=actor.reason or "", actor=actor.name
        )
        await notices.add_due_of(
            tx, generation_id, percents=rt.settings.notice_percents, now=rt.clock.for_database()
        )
        await audit.record(
            tx, actor.name, "ledger.correct", str(generation_id), team_id=cost.team_id,
            settled_before=cost.settled, settled=settled_credits, reason=actor.reason,
        )  # fmt: skip
        return correction


async def list_corrections(
    rt: Runtime, generation_id: UUID, *, actor: Actor, after: int | None, limit: int
) -> list[Correction]:
    """Of one generation, oldest first. Raises `Forbidden` and `NotFound`."""
    actor.require_operator()
    async with rt.db.single() as tx:
        found = await ledger.corrections_of(tx, generation_id, after=after, limit=limit)
        if not found and await ledger.find_cost(tx, generation_id) is None:
            raise _unknown(generation_id)
        return found


def _unknown(generation_id: UUID) -> NotFound:
    return NotFound(f"There is no generation {generation_id}.")


def _invalid(message: str, value: int) -> InvalidRequest:
    return InvalidRequest(issues=[Issue("settled_credits", "value", message, value)])
