"""Connections that die while they rest in the pool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from app.db.session import Database
from tests.simulator.conftest import until


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url, pool_size=4)
    yield opened
    await opened.close()


async def _pid(database: Database, together: asyncio.Barrier) -> int:
    """Of a connection that is in use at the same time as the others."""
    async with database.single() as tx:
        await together.wait()
        return int(await tx.scalar(text("SELECT pg_backend_pid()")) or 0)


async def _pids(database: Database, count: int) -> set[int]:
    together = asyncio.Barrier(count)
    return set(await asyncio.gather(*(_pid(database, together) for _ in range(count))))


async def test_connections_that_postgres_has_cut_cost_no_request(
    database: Database, database_url: str
) -> None:
    resting = await _pids(database, 4)
    assert len(resting) == 4
    operator = Database(database_url, pool_size=2)

    async def gone() -> bool:
        async with operator.single() as tx:
            return not await tx.scalar(
                text("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(:pids)"),
                {"pids": list(resting)},
            )

    async with operator.single() as tx:
        await tx.execute(text("SELECT pg_terminate_backend(p) FROM unnest(CAST(:pids AS int[])) p"),
                         {"pids": list(resting)})  # fmt: skip
    await until(gone)
    await operator.close()
    # Each of these would meet a dead connection, and answer 503.
    made = await _pids(database, 4)
    assert len(made) == 4
    assert not made & resting


async def test_connections_that_live_are_used_again(database: Database) -> None:
    resting = await _pids(database, 4)
    for _ in range(3):
        assert await _pids(database, 4) == resting
    async with database.begin() as tx:
        assert await tx.scalar(text("SELECT pg_backend_pid()")) in resting
