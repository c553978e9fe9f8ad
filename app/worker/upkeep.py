"""Upkeep: rescue the jobs of dead workers, make missing jobs, delete what has expired."""

from __future__ import annotations

import asyncio
import contextlib

from app.db import (
    assets,
    events,
    generations,
    idempotency,
    identities,
    jobs,
    notices,
    repeats,
    sessions,
    shares,
    sign_in_requests,
    unmarked_calls,
    upstream_keys,
    upstream_looks,
    upstream_watermarks,
    webhook_deliveries,
)
from app.db.faults import Conflict
from app.domain.generation import FINAL
from app.errors import Unavailable
from app.runtime import WorkerRuntime
from app.telemetry import logger
from app.worker.archiving import ATTEMPT_SECONDS
from app.worker.polls import UNKNOWN_SECONDS
from app.worker.upstream_keys import BREAKER_SECONDS, look_at, probe

log = logger(__name__)

#: Rounds in the time after which a worker counts as dead.
_ROUNDS_PER_STALL = 3
#: Added to the deadline of what a job waits for, to record the result.
_GRACE_SECONDS = 120.0


async def keep(rt: WorkerRuntime, stopping: asyncio.Event) -> None:
    """A round every few seconds until `stopping`. Only one worker at a time does it."""
    every = rt.settings.worker_stalled_seconds / _ROUNDS_PER_STALL
    while not stopping.is_set():
        try:
            await one_round(rt)
        except (Unavailable, Conflict):
            # A job was added while its dead twin was being rescued; the next round sees it.
            log.warning("upkeep_skipped")
        except Exception as error:
            # A worker that does only half its work would look alive, so try this again.
            log.error("upkeep_failed", exc_info=error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), timeout=every)


async def one_round(rt: WorkerRuntime) -> None:
    # An attempt to archive may copy an earlier file and then still have to download.
    longest = max(rt.settings.upstream_read_seconds, 2 * ATTEMPT_SECONDS) + _GRACE_SECONDS
    key_ids = await rt.upstream_key_ids_now()
    async with rt.db.begin() as tx:
        await upstream_keys.mark_seen(tx, list(key_ids.values()))
        if not await jobs.lead_upkeep(tx):
            return
        rescued = await jobs.rescue(
            tx, stalled_seconds=rt.settings.worker_stalled_seconds, longest_seconds=longest
        )
        missing = [
            *await generations.enqueue_missing(tx, unknown_seconds=UNKNOWN_SECONDS),
            *await assets.enqueue_missing(tx),
            *await webhook_deliveries.enqueue_missing(tx),
        ]
    for kind in rescued:
        rt.metrics.rescued.labels(kind).inc()
    for kind in missing:
        rt.metrics.rescued.labels(f"{kind}_missing").inc()
    if rescued or missing:
        log.warning("rescued", jobs=len(rescued), missing=len(missing))
    async with rt.db.begin() as tx:
        returned = await upstream_keys.return_due(tx, reserve=rt.settings.upstream_reserve_credits)
        if returned:
            await jobs.run_all_now(tx, jobs.Job.SUBMIT)
        due = await upstream_keys.claim_due_probes(tx, first_seconds=BREAKER_SECONDS)
        looks = await upstream_looks.claim_due(tx)
    for label in returned:
        log.info("upstream_key_returned", label=label)
    for key in due:
        await probe(rt, key)
    for key in looks:
        await look_at(rt, key)
    # Last and separate, so that a slow or failing clean-up undoes nothing.
    async with rt.db.begin() as tx:
        await idempotency.prune(tx)
        await unmarked_calls.prune(tx)
        await repeats.prune(tx)
        await sessions.prune(tx)
        await shares.prune(tx)
        await identities.prune(tx)
        await sign_in_requests.prune(tx)
        await jobs.prune(tx)
        await webhook_deliveries.prune(tx, days=rt.settings.history_days)
        await upstream_watermarks.prune(tx, days=rt.settings.history_days)
        await events.prune(tx, days=rt.settings.history_days, states=FINAL)
        await notices.prune(tx, days=rt.settings.history_days)
