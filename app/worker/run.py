"""A worker: jobs and upkeep of one process, until it is told to stop."""

from __future__ import annotations

import asyncio
from functools import partial

from app import __version__
from app.db.jobs import Job
from app.db.session import driver_conninfo
from app.jobs import Workers
from app.runtime import WorkerRuntime
from app.telemetry import logger
from app.worker import archiving, deliveries, polls, retention, submissions, upkeep

log = logger(__name__)

#: Heartbeats sent in the time after which a silent worker counts as dead. On a busy machine some
#: may be late or lost, and the worker still keeps its jobs.
_HEARTBEATS_PER_STALL = 5


async def run(rt: WorkerRuntime, stopping: asyncio.Event) -> None:
    """Works until `stopping`, then finishes what is in flight within the drain time."""
    workers = Workers(
        driver_conninfo(rt.db.address, pooler=rt.db.pooler),
        acts={
            Job.SUBMIT: partial(submissions.submit, rt),
            Job.POLL: partial(polls.poll, rt),
            Job.ARCHIVE: partial(archiving.archive, rt),
            Job.DELIVER: partial(deliveries.deliver, rt),
        },
        lanes={
            # Separate, so that submissions without an answer do not delay polls.
            (Job.SUBMIT,): rt.settings.worker_concurrency,
            (Job.POLL,): rt.settings.worker_concurrency,
            (Job.ARCHIVE,): rt.settings.archive_concurrency,
            # Receivers may be anybody's: slow ones must not delay anything else.
            (Job.DELIVER,): rt.settings.webhook_concurrency,
        },
        prepared=rt.db.prepared,
        poll_seconds=rt.settings.worker_poll_seconds,
        drain_seconds=rt.settings.drain_seconds,
        heartbeat_seconds=rt.settings.worker_stalled_seconds / _HEARTBEATS_PER_STALL,
        stalled_seconds=rt.settings.worker_stalled_seconds,
    )
    working = asyncio.create_task(workers.run(), name="jobs")
    keeping = asyncio.create_task(upkeep.keep(rt, stopping), name="upkeep")
    retaining = asyncio.create_task(retention.keep(rt, stopping), name="retention")
    stop_requested = asyncio.create_task(stopping.wait())
    log.info("worker_started", version=__version__, concurrency=rt.settings.worker_concurrency)
    try:
        # A failure of any of these ends the worker: half a worker would look alive and do nothing.
        done, _ = await asyncio.wait(
            {working, keeping, retaining, stop_requested}, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done - {stop_requested}:
            task.result()
    finally:
        log.info("worker_stopping")
        stop_requested.cancel()
        stopping.set()
        workers.stop()
        retaining.cancel()  # a slow archive does not delay the stop
        await asyncio.gather(working, keeping, retaining, stop_requested, return_exceptions=True)
        log.info("worker_stopped")
