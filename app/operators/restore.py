"""Recovery: what must happen between restoring a backup and starting the first worker.

A generation that is `queued` in a dump may have been sent and charged after the dump was taken, and
nothing in the restored database can tell. Sending it again could pay twice; releasing its hold
would forget what may have been paid. So it becomes `unknown` and keeps its hold until somebody has
checked with the upstream.
"""

from __future__ import annotations

import asyncio

from app.db import audit, events, jobs, transitions
from app.errors import InvalidRequest
from app.generations import lifecycle
from app.runtime import Runtime

_BATCH = 100
_BATCH_OF_EVENTS = 5_000
#: How often it looks whether a worker that the dump speaks of still gives signs of life.
_LOOK_SECONDS = 0.5


async def mark_unsent_unknown(rt: Runtime, *, actor: str) -> int:
    """Makes every generation that may have been sent since the dump `unknown`; returns how many.
    Those with an upstream id are left alone, since polling is free. May be repeated.

    Waits until the last sign of life of a worker in a fresh dump is too old to be that of a living
    one. Raises `InvalidRequest` if a worker is running: then this is not a restored database.
    """
    await _wait_out_the_dumps_worker(rt)
    await _forget_order(rt)
    held = 0
    while True:
        async with lifecycle.begin(rt) as transaction:
            tx = transaction.tx
            found = await transitions.list_unsent(tx, limit=_BATCH)
            for generation_id in found:
                await lifecycle.mark_unknown_after_restore(transaction, generation_id)
            if found:
                await audit.record(
                    tx, actor, "generations.mark_unknown", "restore", team_id=None,
                    generations=[str(one) for one in found],
                )  # fmt: skip
        held += len(found)
        if len(found) < _BATCH:
            return held


async def _forget_order(rt: Runtime) -> None:
    """Another server counts transactions from the beginning, but new events must sort after old
    ones."""
    changed = _BATCH_OF_EVENTS
    while changed == _BATCH_OF_EVENTS:
        async with rt.db.single() as tx:
            changed = await events.forget_order(tx, limit=_BATCH_OF_EVENTS)


async def _wait_out_the_dumps_worker(rt: Runtime) -> None:
    """Only a living worker is seen less long ago than a moment before."""
    before = 0.0
    while True:
        async with rt.db.single() as tx:
            seen = await jobs.worker_seen_seconds(tx)
        if seen is None or seen >= rt.settings.worker_stalled_seconds:
            return
        if seen < before:
            raise InvalidRequest("A worker is running. Stop every process that uses this database.")
        before = seen
        await asyncio.sleep(_LOOK_SECONDS)
