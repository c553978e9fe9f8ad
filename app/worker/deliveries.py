"""Delivers webhooks: one attempt per job, without letting one receiver use up the worker's
slots."""

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

#: How long an attempt waits for other attempts at its receiver to end; most end within a second. It
#: occupies a slot meanwhile, so it waits no longer.
_WAIT_SECONDS = 1.0
#: A postponed delivery runs as soon as another attempt at its receiver ends. If the worker that
#: should start it has died, it runs after this time.
_POSTPONE_SECONDS = delivery.ATTEMPT_SECONDS


async def deliver(rt: WorkerRuntime, delivery_id: UUID) -> None:
    """One attempt at a delivery. The next attempt is another job."""
    due = await delivery.find_due(rt, rt.sender, delivery_id)
    if due is None:
        return
    to = due.receiver
    if not await rt.fairness.acquire(to.id, to.owner_id, seconds=_WAIT_SECONDS):
        await _postpone(rt, due)
        return
    try:
        attempted = await delivery.send(rt, rt.sender, due)
        await persisted(lambda: delivery.record(rt, attempted))
    finally:
        await rt.fairness.release(to.id, to.owner_id)
    await _run_next(rt, to)


async def _postpone(rt: WorkerRuntime, due: Due) -> None:
    """This does not count as an attempt: nothing was sent."""
    rt.fairness.add_waiting(due.receiver.id, due.receiver.owner_id)
    async with rt.db.begin() as tx:
        await jobs.enqueue(tx, Job.DELIVER, due.delivery.id)
        await webhook_deliveries.postpone(tx, due.receiver.id, seconds=_POSTPONE_SECONDS)


async def _run_next(rt: WorkerRuntime, ended: Receiver) -> None:
    """Runs a postponed delivery in place of the attempt that ended."""
    receiver = rt.fairness.next_waiting(ended.owner_id)
    if receiver is None:
        return
    with contextlib.suppress(Unavailable):
        async with rt.db.single() as tx:
            if await webhook_deliveries.run_next(tx, receiver):
                rt.fairness.add_waiting(receiver, ended.owner_id)
