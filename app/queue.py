"""Jobs: durable rows of work in our own transactions. The only file that knows the job library.

A job's first act is to read the state of its generation: the library runs a job again after its
worker died, and that must never send a render twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import procrastinate
import psycopg
from procrastinate import BaseRetryStrategy, RetryDecision, exceptions
from procrastinate import jobs as library
from procrastinate import worker as library_worker
from sqlalchemy import text

from app.db.session import KEEPALIVES, Tx
from app.telemetry import logger

log = logger(__name__)

_NEVER_SECONDS = 86_400.0


class Job(StrEnum):
    """Kinds of work, each a queue of its own."""

    SUBMIT = "submit"
    POLL = "poll"
    ARCHIVE = "archive"
    #: Of a delivery of a webhook; all others are of a generation.
    TELL = "tell"


Act = Callable[[UUID], Awaitable[None]]


async def enqueue(
    tx: Tx, job: Job, generation_id: UUID, *, priority: int = 0, at: datetime | None = None
) -> None:
    """A job in the caller's transaction. While one of its kind waits, this changes nothing."""
    await tx.execute(
        text("SELECT reelgate_enqueue_v1(:kind, :id, :priority, CAST(:at AS timestamptz))"),
        {"kind": job.value, "id": generation_id, "priority": priority, "at": at},
    )


async def hasten_one(tx: Tx, job: Job, of: UUID) -> None:
    """The same for one: where it waits for a later time it is due now."""
    await tx.execute(
        text(
            "UPDATE procrastinate_jobs SET scheduled_at = now()"
            " WHERE queueing_lock = :lock AND status = 'todo' AND scheduled_at > now()"
        ),
        {"lock": f"{job.value}:{of}"},
    )


async def hasten(tx: Tx, job: Job) -> None:
    """What waits for a later time is due now: whatever it waited for is over."""
    await tx.execute(
        text(
            "UPDATE procrastinate_jobs SET scheduled_at = now()"
            " WHERE queue_name = :kind AND status = 'todo' AND scheduled_at > now()"
        ),
        {"kind": job.value},
    )


#: Jobs that tell one receiver: an endpoint, or the callback addresses of a member. One that a
#: worker fetches at this moment is left to it.
_RESCHEDULE = """
    UPDATE procrastinate_jobs SET scheduled_at = now() + make_interval(secs => :seconds)
     WHERE id IN (SELECT j.id FROM procrastinate_jobs j JOIN webhook_deliveries d
                      ON j.queueing_lock = 'tell:' || d.id
                   WHERE j.status = 'todo' AND d.state = 'pending' AND d.next_attempt_at <= now()
                     AND (d.endpoint_id = :receiver
                          OR (d.endpoint_id IS NULL AND d.member_id = :receiver))
                     AND {} FOR UPDATE OF j SKIP LOCKED)
"""
_PUT_OFF = text(_RESCHEDULE.format("coalesce(j.scheduled_at, now()) <= now()"))
_BRING_FORWARD = text(_RESCHEDULE.format("j.scheduled_at > now() ORDER BY j.id LIMIT 1"))


async def put_off(tx: Tx, receiver: UUID, *, seconds: float) -> None:
    """What is due for it is due later, all of it at once: it has its share in flight."""
    await tx.execute(_PUT_OFF, {"receiver": receiver, "seconds": seconds})


async def bring_forward(tx: Tx, receiver: UUID) -> bool:
    """The first of what was put off is due now. False where nothing was."""
    result = await tx.execute(_BRING_FORWARD, {"receiver": receiver, "seconds": 0.0})
    return bool(result.rowcount)


async def count_ahead(tx: Tx, *, priority: int, most: int | None = None) -> int:
    """Submissions that wait and go before, or with, one of this priority; counted up to `most`."""
    counted = await tx.scalar(
        text(
            "SELECT count(*) FROM (SELECT FROM procrastinate_jobs WHERE queue_name = 'submit'"
            " AND status = 'todo' AND priority >= :priority LIMIT :most) AS ahead"
        ),
        {"priority": priority, "most": most},
    )
    return int(counted or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    kind: str
    status: str
    jobs: int


async def depths(tx: Tx) -> list[Depth]:
    rows = await tx.execute(
        text(
            "SELECT queue_name AS kind, status::text, count(*) AS jobs FROM procrastinate_jobs"
            " WHERE status IN ('todo', 'doing') GROUP BY queue_name, status"
        )
    )
    return [Depth(**row._mapping) for row in rows]


async def worker_seen_seconds(tx: Tx) -> float | None:
    """Seconds since any worker's last sign of life; None where none is registered."""
    seen = await tx.scalar(
        text("SELECT extract(epoch FROM now() - max(last_heartbeat)) FROM procrastinate_workers")
    )
    return None if seen is None else float(seen)


async def rescue(tx: Tx, *, stalled_seconds: float, longest_seconds: float) -> list[str]:
    """Gives the jobs of dead workers, and jobs that were given up, back to the queue.

    A worker that was silent for `stalled_seconds` is taken for dead. `longest_seconds` bounds how
    long a job may rightly run. Returns the kinds of what was rescued.
    A job of the same kind may already wait for the generation; then the dead one is only removed.
    """
    rows = await tx.execute(
        text(
            """
            WITH dead AS (
                DELETE FROM procrastinate_workers
                 WHERE last_heartbeat < now() - make_interval(secs => :stalled)
                   -- While Postgres itself was away nobody could give a sign of life.
                   AND pg_postmaster_start_time() < now() - make_interval(secs => :stalled)
                RETURNING id
            ), orphans AS (
                SELECT j.id, j.queueing_lock, j.queue_name FROM procrastinate_jobs j
                 WHERE (j.status = 'doing'
                        AND (j.worker_id IS NULL OR j.worker_id IN (SELECT id FROM dead)))
                    OR j.status IN ('failed', 'aborted')
                    -- Its worker lives but could not report its end.
                    OR (j.status = 'doing' AND NOT EXISTS (
                        SELECT FROM procrastinate_events e WHERE e.job_id = j.id
                           AND e.type = 'started'
                           AND e.at > now() - make_interval(secs => :longest)))
                   FOR UPDATE SKIP LOCKED
            ), twins AS (
                DELETE FROM procrastinate_jobs j USING orphans o
                 WHERE j.id = o.id AND EXISTS (
                    SELECT FROM procrastinate_jobs other
                     WHERE other.queueing_lock = o.queueing_lock AND other.status = 'todo')
                RETURNING j.id
            ), firsts AS (
                SELECT DISTINCT ON (queueing_lock) id FROM orphans
                 WHERE id NOT IN (SELECT id FROM twins) ORDER BY queueing_lock, id
            )
            UPDATE procrastinate_jobs j
               SET status = 'todo', worker_id = NULL, abort_requested = false,
                   scheduled_at = now()
              FROM firsts f WHERE j.id = f.id RETURNING j.queue_name
            """
        ),
        {"stalled": stalled_seconds, "longest": longest_seconds},
    )
    return [row.queue_name for row in rows]


async def adopt(tx: Tx, *, unknown_seconds: float) -> list[str]:
    """Makes a job for every generation, video or delivery that should have one and has none."""
    rows = await tx.execute(
        text(
            """
            WITH busy AS (
                SELECT (args->>'generation_id')::uuid AS id, queue_name FROM procrastinate_jobs
                 WHERE status IN ('todo', 'doing')
            ), wanted AS (
                SELECT id, priority, CASE WHEN state = 'running' OR state = 'unknown'
                                          THEN 'poll' ELSE 'submit' END AS kind
                  FROM generations
                 WHERE state IN ('queued', 'submitting', 'running')
                    OR (state = 'unknown' AND upstream_id IS NOT NULL
                        AND running_at > now() - make_interval(secs => :unknown))
                UNION ALL
                SELECT generation_id, 0, 'archive' FROM assets WHERE state = 'pending'
                UNION ALL
                SELECT id, 0, 'tell' FROM webhook_deliveries
                 WHERE state = 'pending' AND next_attempt_at IS NOT NULL
            ), orphans AS (
                SELECT w.* FROM wanted w
                 WHERE NOT EXISTS (
                    SELECT FROM busy b WHERE b.id = w.id AND b.queue_name = w.kind)
            )
            SELECT o.kind, reelgate_enqueue_v1(o.kind, o.id, o.priority, NULL) FROM orphans o
            """
        ),
        {"unknown": unknown_seconds},
    )
    return [row.kind for row in rows]


async def prune(tx: Tx) -> None:
    """Forgets jobs that ended well but were left behind."""
    await tx.execute(
        text("DELETE FROM procrastinate_jobs WHERE status IN ('succeeded', 'cancelled')")
    )


class _KeepTrying(BaseRetryStrategy):
    """Any failure of a job's own code is tried again: work is never dropped."""

    def get_retry_decision(
        self, *, exception: BaseException, job: library.Job
    ) -> RetryDecision | None:
        if isinstance(exception, exceptions.TaskNotFound):
            return None
        wait = 0 if isinstance(exception, asyncio.CancelledError) else 2 ** min(job.attempts, 8)
        return RetryDecision(retry_in={"seconds": wait})


class Workers:
    """Runs jobs of this process until `stop`; starts again by itself when Postgres was away."""

    def __init__(
        self,
        conninfo: str,
        *,
        acts: Mapping[Job, Act],
        lanes: Mapping[Sequence[Job], int],
        poll_seconds: float,
        drain_seconds: float,
        heartbeat_seconds: float,
        stalled_seconds: float,
    ) -> None:
        self._connector = procrastinate.PsycopgConnector(
            conninfo=conninfo,
            min_size=1,
            max_size=max(4, len(lanes) * 2),
            timeout=min(10.0, stalled_seconds),
            kwargs=dict(KEEPALIVES),
        )
        self._app = procrastinate.App(connector=self._connector)
        self._lanes = {tuple(job.value for job in jobs): size for jobs, size in lanes.items()}
        self._poll_seconds = poll_seconds
        self._drain_seconds = drain_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._stopping = asyncio.Event()
        self._drained_at = 0.0
        self._orphans: dict[tuple[Job, UUID], asyncio.Future[None]] = {}
        self._running: set[library_worker.Worker] = set()
        for job, act in acts.items():
            self._register(job, act)

    def _register(self, job: Job, act: Act) -> None:
        async def run(generation_id: str) -> None:
            await self._act(job, act, UUID(generation_id))

        self._app.task(name=job.value, queue=job.value, retry=_KeepTrying())(run)

    async def _act(self, job: Job, act: Act, generation_id: UUID) -> None:
        """Acts, after what may still go on for the same job has ended.

        A lane that lost the database aborts its jobs, but what they do goes on: an answer of the
        upstream that waits to be written down exists nowhere else. Only a stop ends it.
        """
        key = (job, generation_id)
        if key in self._orphans:
            await asyncio.wait({self._orphans[key]})
        acting = asyncio.ensure_future(act(generation_id))
        try:
            await asyncio.shield(acting)
        except Exception as error:
            # The library tries it again without a word; a fault that stays must not be silent.
            log.error(
                "job_failed", kind=job.value, generation_id=str(generation_id), exc_info=error
            )
            raise
        except asyncio.CancelledError:
            if self._stopping.is_set():
                acting.cancel()
                await asyncio.gather(acting, return_exceptions=True)
            else:
                self._orphans[key] = acting
                acting.add_done_callback(lambda _: self._orphans.pop(key, None))
            raise

    async def _end_orphans(self) -> None:
        """Lets them finish within what is left of the drain time."""
        orphans = list(self._orphans.values())
        if orphans:
            await asyncio.wait(orphans, timeout=max(self._drained_at - time.monotonic(), 0))
            for orphan in orphans:
                orphan.cancel()
            await asyncio.gather(*orphans, return_exceptions=True)

    async def run(self) -> None:
        """Until `stop`. A lost database is waited for, not given up."""
        try:
            await self._run_until_stopped()
        finally:
            await self._end_orphans()

    async def _run_until_stopped(self) -> None:
        while not self._stopping.is_set():
            try:
                async with self._app.open_async():
                    await self._run_lanes()
            # The library passes on what its pool raises when it cannot be opened.
            except (exceptions.ProcrastinateException, psycopg.Error, OSError) as error:
                log.warning("worker_interrupted", cause=type(error.__cause__ or error).__name__)
            if not self._stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), timeout=1.0)

    async def _run_lanes(self) -> None:
        async with _all_or_none() as group:
            for queues, size in self._lanes.items():
                lane = library_worker.Worker(
                    self._app,
                    queues=list(queues),  # the driver sends a tuple as a record
                    concurrency=size,
                    fetch_job_polling_interval=self._poll_seconds,
                    listen_notify=False,  # nobody notifies: see decision 0010
                    abort_job_polling_interval=60,
                    # A lane that only lost the database hands its jobs back at once.
                    shutdown_graceful_timeout=0,
                    delete_jobs="successful",
                    install_signal_handlers=False,
                    update_heartbeat_interval=self._heartbeat_seconds,
                    # `rescue` alone decides who is dead.
                    stalled_worker_timeout=_NEVER_SECONDS,
                )
                self._running.add(lane)
                group.append(asyncio.create_task(self._run_lane(lane)))

    async def _run_lane(self, lane: library_worker.Worker) -> None:
        running = asyncio.create_task(lane.run())  # type: ignore[no-untyped-call]
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if self._stopping.is_set():
                # Not earlier: a lane forgets a stop that was asked for before it began to run.
                lane.shutdown_graceful_timeout = self._drain_seconds
                lane.stop()  # type: ignore[no-untyped-call]
            await running
        finally:
            stopping.cancel()
            self._running.discard(lane)
            # One lane that ends takes the others along, so that all start again together.
            for other in list(self._running):
                other.stop()  # type: ignore[no-untyped-call]

    @property
    def lanes_running(self) -> int:
        return len(self._running)

    def stop(self) -> None:
        """Takes no new job, lets the running ones finish within the drain time."""
        self._drained_at = time.monotonic() + self._drain_seconds
        self._stopping.set()


@contextlib.asynccontextmanager
async def _all_or_none() -> AsyncIterator[list[asyncio.Task[None]]]:
    """Waits for every task, then raises the first failure."""
    tasks: list[asyncio.Task[None]] = []
    yield tasks
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
