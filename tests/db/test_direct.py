"""Connections of the driver alone: what becomes of one that is cut, busy, interrupted or stale."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from app.db.direct import Direct
from app.db.faults import Conflict, Fault
from app.db.session import Database
from app.errors import Unavailable
from tests.simulator.conftest import until

_PID = "SELECT pg_backend_pid() AS pid"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url, pool_size=2, direct_size=2)
    yield opened
    await opened.close()


async def _pid(direct: Direct) -> int:
    row = await direct.one(_PID, ())
    assert row is not None
    return int(row["pid"])


async def _sleeping(database: Database) -> int:
    async with database.single() as tx:
        found = await tx.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
            )
        )
    return int(found or 0)


async def test_one_connection_serves_one_statement_after_another(database: Database) -> None:
    assert len({await _pid(database.direct) for _ in range(9)}) == 1
    assert await database.direct.one("SELECT 1 WHERE false", ()) is None


async def test_its_session_is_set_up_like_every_other(database: Database) -> None:
    async with database.single() as tx:
        settings = text("SELECT name, setting FROM pg_settings WHERE source = 'client'")
        pooled = {row.name: row.setting for row in await tx.execute(settings)}
    row = await database.direct.one(
        "SELECT jsonb_object_agg(name, setting) AS found FROM pg_settings WHERE source = 'client'",
        (),
    )
    assert row is not None
    assert row["found"] == pooled
    assert pooled["statement_timeout"] == "15000"


async def test_a_connection_that_was_cut_while_it_rested_costs_no_request(
    database: Database,
) -> None:
    first = await _pid(database.direct)

    async def gone() -> bool:
        async with database.single() as tx:
            return not await tx.scalar(
                text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid"), {"pid": first}
            )

    async with database.single() as tx:
        await tx.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": first})
    await until(gone)
    assert await _pid(database.direct) != first


async def test_one_that_is_cut_while_it_is_asked_leaves_open_what_was_done(
    database: Database,
) -> None:
    with pytest.raises(Unavailable) as cut:
        await database.direct.one("SELECT pg_terminate_backend(pg_backend_pid())", ())
    assert not cut.value.unasked
    assert await _pid(database.direct)


async def test_while_all_are_in_use_the_next_waits_and_then_was_not_asked(
    database: Database, database_url: str
) -> None:
    hurried = Direct({"conninfo": database_url}, size=1, wait_seconds=0.05)
    asking = asyncio.create_task(hurried.one("SELECT pg_sleep(60)", ()))

    async def busy() -> bool:
        return await _sleeping(database) == 1

    await until(busy)
    with pytest.raises(Unavailable) as refused:
        await hurried.one(_PID, ())
    assert refused.value.unasked
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await hurried.close()


async def test_values_are_called_for_when_there_is_a_connection(
    database: Database, database_url: str
) -> None:
    single, called = Direct({"conninfo": database_url}, size=1, wait_seconds=60), asyncio.Event()

    def values() -> tuple[int]:
        called.set()
        return (7,)

    asking = asyncio.create_task(single.one("SELECT pg_sleep(60)", ()))

    async def busy() -> bool:
        return await _sleeping(database) == 1

    await until(busy)
    waiting = asyncio.create_task(single.one("SELECT %s::int AS found", values))
    await busy()
    assert not called.is_set()
    asking.cancel()
    row = await waiting
    assert (row and row["found"], called.is_set()) == (7, True)
    await asyncio.gather(asking, return_exceptions=True)
    await single.close()


async def test_one_that_was_interrupted_is_not_used_again(database: Database) -> None:
    before = await _pid(database.direct)
    asking = asyncio.create_task(database.direct.one("SELECT pg_sleep(60)", ()))

    async def busy() -> bool:
        return await _sleeping(database) == 1

    async def idle() -> bool:
        return await _sleeping(database) == 0

    await until(busy)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await until(idle)
    # Whether it was closed or found idle, the next statement gets its own answer.
    assert await _pid(database.direct) in (before, await _pid(database.direct))


@pytest.mark.parametrize("sqlstate", ["25006", "26000", "42P05"])
async def test_a_stale_one_is_replaced(database: Database, sqlstate: str) -> None:
    before = await _pid(database.direct)
    raising = f"DO $$ BEGIN RAISE 'elsewhere' USING ERRCODE = '{sqlstate}'; END $$"
    with pytest.raises(Unavailable) as away:
        await database.direct.one(raising, ())
    assert not away.value.unasked
    assert await _pid(database.direct) != before


async def test_errors_have_no_statement_and_no_parameters(database: Database) -> None:
    with pytest.raises(Fault) as fault:
        await database.direct.one("SELECT %s::int", ("canary",))
    assert (str(fault.value), fault.value.sqlstate) == (
        "InvalidTextRepresentation, SQLSTATE 22P02", "22P02",
    )  # fmt: skip
    twice = (
        "INSERT INTO teams (id, name) SELECT gen_random_uuid(), 'canary' FROM generate_series(1, 2)"
    )
    with pytest.raises(Conflict) as conflict:
        await database.direct.one(twice, ())
    assert conflict.value.constraint == "teams_name_key"
    assert await _pid(database.direct)


async def test_an_address_that_leads_nowhere_was_not_asked() -> None:
    for address in ("postgresql://127.0.0.1:9/x", f"postgresql://{'x' * 70}.example/x"):
        away = Database(address, pool_size=2)
        with pytest.raises(Unavailable) as refused:
            await away.direct.one(_PID, ())
        assert refused.value.unasked
        await away.close()
