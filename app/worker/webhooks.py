"""Telling receivers: one try for each job, and no receiver the whole lane."""

from __future__ import annotations

import contextlib
from uuid import UUID

from app.db import jobs, webhook_deliveries
from app.db.jobs import Job
from app.errors import Unavailable
from app.runtime import WorkerRuntime
from app.webhooks import delivery
from app.webhooks.delivery import Due, Receiver
from app.worker.persist import persisted

#: A try waits so long for its share: most receivers have answered by then. It has a place in the
#: lane meanwhile, so it is not longer.
_SHARE_SECONDS = 1.0
#: What is put off comes again when a try of the same receiver has ended; after so long it does also
#: where the worker that would have seen to that is gone.
_PUT_OFF_SECONDS = delivery.ATTEMPT_SECONDS


async def tell(rt: WorkerRuntime, delivery_id: UUID) -> None:
    """One try at a delivery; the next one is a job of its own."""
    due = await delivery.find_due(rt, rt.sender, delivery_id)
    if due is None:
        return
    to = due.receiver
    if not await rt.fairness.take(to.id, to.owner_id, seconds=_SHARE_SECONDS):
        await _put_off(rt, due)
        return
    try:
        tried = await delivery.send(rt, rt.sender, due)
        await persisted(lambda: delivery.record(rt, tried))
    finally:
        await rt.fairness.free(to.id, to.owner_id)
    await _let_another_in(rt, to)


async def _put_off(rt: WorkerRuntime, due: Due) -> None:
    """Not a try: nothing was sent."""
    rt.fairness.put_off(due.receiver.id, due.receiver.owner_id)
    async with rt.db.begin() as tx:
        await jobs.enqueue(tx, Job.TELL, due.delivery.id)
        await webhook_deliveries.postpone(tx, due.receiver.id, seconds=_PUT_OFF_SECONDS)


async def _let_another_in(rt: WorkerRuntime, ended: Receiver) -> None:
    waiting = rt.fairness.next_of(ended.owner_id)
    if waiting is None:
        return
    with contextlib.suppress(Unavailable):
        async with rt.db.single() as tx:
            if await webhook_deliveries.bring_forward(tx, waiting):
                rt.fairness.put_off(waiting, ended.owner_id)
