"""Jobs: durable rows of work in our own transactions. The only file that knows the job library.

A job's first act is to read the state of its generation: the library runs a job again after its
worker died, and that must never send a render twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import procrastinate
import psycopg
from procrastinate import BaseRetryStrategy, RetryDecision, exceptions
from procrastinate import jobs as library
from procrastinate import worker as library_worker
from psycopg_pool import AsyncConnectionPool

from app.db.faults import is_dead
from app.db.jobs import Job
from app.db.session import KEEPALIVES, PREPARE_THRESHOLD
from app.telemetry import logger

log = logger(__name__)

_NEVER_SECONDS = 86_400.0

#: Those of the queues that have something due. Each is looked at up to its first such job.
_DUE = """
    SELECT queue FROM unnest(%(queues)s::text[]) AS queue CROSS JOIN LATERAL (
        SELECT FROM procrastinate_jobs j
         WHERE j.queue_name = queue AND j.status = 'todo'
           AND (j.scheduled_at IS NULL OR j.scheduled_at <= now())
         LIMIT 1) AS first
"""

Act = Callable[[UUID], Awaitable[None]]


class _KeepTrying(BaseRetryStrategy):
    """Every failure of a job is retried: work is never dropped."""

    def get_retry_decision(
        self, *, exception: BaseException, job: library.Job
    ) -> RetryDecision | None:
        if isinstance(exception, exceptions.TaskNotFound):
            return None
        wait = 0 if isinstance(exception, asyncio.CancelledError) else 2 ** min(job.attempts, 8)
        return RetryDecision(retry_in={"seconds": wait})


async def _commit_each(connection: psycopg.AsyncConnection) -> None:
    """Each statement of the library commits by itself. Otherwise a process that is frozen or cut
    off between a statement and its commit would keep its jobs locked, and nobody could rescue
    them."""
    await connection.set_autocommit(True)


def _pool(**options: Any) -> AsyncConnectionPool:
    """The library's, but for how it looks at a connection: the library asks Postgres, which is a
    round trip before each of its statements."""
    return AsyncConnectionPool(**{**options, "check": _refuse_the_dead})


async def _refuse_the_dead(connection: psycopg.AsyncConnection) -> None:
    """Then the pool makes another one."""
    if is_dead(connection):
        # The pool keeps what is not known to be closed.
        await connection.close()
        raise psycopg.OperationalError("the connection was closed while it rested")


class Workers:
    """Runs this process's jobs until `stop`. Restarts itself after Postgres was away."""

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
        prepared: bool = True,
    ) -> None:
        self._connector = procrastinate.PsycopgConnector(
            conninfo=conninfo,
            pool_factory=_pool,
            min_size=1,
            max_size=max(4, len(lanes) * 2),
            timeout=min(10.0, stalled_seconds),
            kwargs={
                **KEEPALIVES,
                "prepare_threshold": PREPARE_THRESHOLD if prepared else None,
            },
            configure=_commit_each,
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
        async def run(subject_id: str) -> None:
            await self._act(job, act, UUID(subject_id))

        self._app.task(name=job.value, queue=job.value, retry=_KeepTrying())(run)

    async def _act(self, job: Job, act: Act, subject_id: UUID) -> None:
        """Acts once an earlier run of the same job in this process has ended.

        A lane that loses the database aborts its jobs, but their work goes on: an answer of the
        upstream that is not recorded yet exists nowhere else. Only a stop ends it.
        """
        key = (job, subject_id)
        if key in self._orphans:
            await asyncio.wait({self._orphans[key]})
        acting = asyncio.ensure_future(act(subject_id))
        try:
            await asyncio.shield(acting)
        except Exception as error:
            # The library retries it silently; a lasting fault must show in the log.
            log.error("job_failed", kind=job.value, subject_id=str(subject_id), exc_info=error)
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
        """Lets them finish within the rest of the drain time."""
        orphans = list(self._orphans.values())
        if orphans:
            await asyncio.wait(orphans, timeout=max(self._drained_at - time.monotonic(), 0))
            for orphan in orphans:
                orphan.cancel()
            await asyncio.gather(*orphans, return_exceptions=True)

    async def run(self) -> None:
        """Until `stop`. Waits for a lost database instead of giving up."""
        try:
            await self._run_until_stopped()
        finally:
            await self._end_orphans()

    async def _run_until_stopped(self) -> None:
        while not self._stopping.is_set():
            try:
                async with self._app.open_async():
                    await self._run_lanes()
            # The library passes on what its connection pool raises when it cannot be opened.
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
                    fetch_job_polling_interval=_NEVER_SECONDS,  # `_wake_lanes` does
                    listen_notify=False,  # nobody notifies: see decision 0010
                    abort_job_polling_interval=60,
                    # A lane that has only lost the database returns its jobs at once.
                    shutdown_graceful_timeout=0,
                    delete_jobs="successful",
                    install_signal_handlers=False,
                    update_heartbeat_interval=self._heartbeat_seconds,
                    # Only `rescue` decides which workers are dead.
                    stalled_worker_timeout=_NEVER_SECONDS,
                )
                self._running.add(lane)
                group.append(asyncio.create_task(self._run_lane(lane)))
            group.append(asyncio.create_task(self._wake_lanes()))

    async def _wake_lanes(self) -> None:
        """Asks for all lanes at once what is due: most have nothing most of the time. Each looks by
        itself when it begins, and goes on as long as it finds something."""
        queues = [queue for lane in self._lanes for queue in lane]
        try:
            while self._running:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), timeout=self._poll_seconds)
                    return
                found = await self._connector.execute_query_all_async(_DUE, queues=queues)
                due = {row["queue"] for row in found}
                for lane in self._running:
                    if not due.isdisjoint(lane.queues or ()):
                        # As if the library's own notification had come.
                        lane._new_job_event.set()
        except BaseException:
            self._stop_lanes()
            raise

    async def _run_lane(self, lane: library_worker.Worker) -> None:
        running = asyncio.create_task(lane.run())  # type: ignore[no-untyped-call]
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if self._stopping.is_set():
                # Not earlier: a lane forgets a stop that is requested before it runs.
                lane.shutdown_graceful_timeout = self._drain_seconds
                lane.stop()  # type: ignore[no-untyped-call]
            await running
        finally:
            stopping.cancel()
            self._running.discard(lane)
            self._stop_lanes()

    def _stop_lanes(self) -> None:
        """When one ends, all end, so that they start again together."""
        for lane in list(self._running):
            lane.stop()  # type: ignore[no-untyped-call]

    @property
    def lanes_running(self) -> int:
        return len(self._running)

    def stop(self) -> None:
        """Accepts no new job, and lets the running ones finish within the drain time."""
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
