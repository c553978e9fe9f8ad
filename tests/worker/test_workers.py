"""The job library under our loop: it stops whenever it is told to."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import psycopg
import pytest

from app.db.jobs import Job
from app.db.session import driver_conninfo
from app.jobs import Workers
from tests.simulator.conftest import until


async def _nothing(generation_id: UUID) -> None:
    raise AssertionError(f"there is no work in this test, not even {generation_id}")


def workers_of(database_url: str) -> Workers:
    return Workers(
        driver_conninfo(database_url),
        acts=dict.fromkeys(Job, _nothing),
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
