"""The job library under our loop: it stops whenever it is told to."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from procrastinate.manager import JobManager

from app.db.jobs import Job, enqueue
from app.db.session import Database, driver_conninfo
from app.jobs import Act, Workers
from tests.simulator.conftest import until


async def _nothing(generation_id: UUID) -> None:
    raise AssertionError(f"there is no work in this test, not even {generation_id}")


def workers_of(database_url: str, act: Act = _nothing) -> Workers:
    return Workers(
        driver_conninfo(database_url),
        acts=dict.fromkeys(Job, act),
        lanes={(Job.SUBMIT, Job.POLL): 2, (Job.ARCHIVE,): 1},
        poll_seconds=0.05,
        drain_seconds=1,
        heartbeat_seconds=3,
        stalled_seconds=15,
    )


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 13, 21, 34, 55])
async def test_a_stop_at_any_moment_of_the_start_is_kept(database_url: str, turns: int) -> None:
    workers = workers_of(database_url)
    running = asyncio.create_task(workers.run())
    for _ in range(turns):
        await asyncio.sleep(0)
    workers.stop()
    async with asyncio.timeout(60):
        await running


async def test_a_stop_while_idle_ends_it(database_url: str) -> None:
    workers = workers_of(database_url)
    running = asyncio.create_task(workers.run())

    async def started() -> bool:
        return workers.lanes_running == 2

    await until(started)
    workers.stop()
    async with asyncio.timeout(60):
        await running
    assert workers.lanes_running == 0


async def test_a_worker_that_stands_still_after_a_statement_holds_no_lock(
    database_url: str,
) -> None:
    lock = "SELECT pg_try_advisory_xact_lock(1)"
    workers = workers_of(database_url)
    async with workers._app.open_async():
        library = workers._connector.pool
        async with library.connection() as still, library.connection() as other:
            assert await (await still.execute(lock)).fetchone() == (True,)
            assert await (await other.execute(lock)).fetchone() == (True,)
            show = await still.execute("SHOW idle_in_transaction_session_timeout")
            assert await show.fetchone() == ("15s",)


async def test_a_connection_that_was_closed_while_it_rested_is_replaced(database_url: str) -> None:
    workers = workers_of(database_url)
    async with workers._app.open_async():
        library = workers._connector.pool
        async with library.connection() as one, library.connection() as other:
            closed = one.info.backend_pid
            # Returns once it has ended.
            end = await other.execute("SELECT pg_terminate_backend(%s, 60000)", [closed])
            assert await end.fetchone() == (True,)
        for _ in range(3):
            async with library.connection() as again:
                assert again.info.backend_pid != closed
                found = await (await again.execute("SELECT 1")).fetchone()
                assert found == (1,)


async def test_a_statement_of_the_library_is_one_round_trip(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    execute = psycopg.AsyncCursor.execute

    async def counted(cursor: Any, query: Any, *values: Any, **options: Any) -> Any:
        sent.append(str(query))
        return await execute(cursor, query, *values, **options)

    workers = workers_of(database_url)
    async with workers._app.open_async():
        monkeypatch.setattr(psycopg.AsyncCursor, "execute", counted)
        await workers._app.check_connection_async()
    assert len(sent) == 1


async def test_a_lane_is_asked_for_jobs_only_when_one_of_its_own_is_due(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One statement asks for all of them."""
    asked: list[tuple[str, ...]] = []
    looked, acted = asyncio.Queue[None](), asyncio.Queue[UUID]()
    workers = workers_of(database_url, acted.put)
    fetch, execute = JobManager.fetch_job, workers._connector.execute_query_all_async

    async def fetched(manager: JobManager, queues: Any, **more: Any) -> Any:
        asked.append(tuple(queues))
        return await fetch(manager, queues, **more)

    async def executed(query: Any, **more: Any) -> Any:
        found = await execute(query, **more)
        looked.put_nowait(None)
        return found

    async def looks(count: int) -> None:
        for _ in range(looked.qsize() + count):
            await looked.get()

    monkeypatch.setattr(JobManager, "fetch_job", fetched)
    monkeypatch.setattr(workers._connector, "execute_query_all_async", executed)
    running = asyncio.create_task(workers.run())
    async with asyncio.timeout(60):
        await looks(3)
        # Each has asked when it began.
        assert sorted(asked) == [("archive",), ("submit", "poll")]
        db, due = Database(database_url, pool_size=1), uuid4()
        async with db.begin() as tx:
            await enqueue(tx, Job.ARCHIVE, uuid4(), at=datetime.now(UTC) + timedelta(hours=1))
            await enqueue(tx, Job.SUBMIT, due)
        assert await acted.get() == due
        await looks(3)
        assert set(asked[2:]) == {("submit", "poll")}
        await db.close()
        workers.stop()
        await running
