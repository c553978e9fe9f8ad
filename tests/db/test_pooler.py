"""A pooler in transaction mode between the gateway and its database. docs/operations.md says how
PgBouncer itself was tried."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr
from sqlalchemy import text

from app import processes
from app.db import conditions, migrate
from app.db.session import POOLER, Database, driver_conninfo
from app.errors import ConfigurationError, Unavailable
from app.operators import startup
from app.operators.doctor import examine
from app.runtime import Clock, Runtime
from app.settings import Settings
from app.telemetry import Metrics
from tests.harness.gateway import gateway, settings_for
from tests.harness.pooler import Pooler, pooler


def _of(address: str) -> tuple[str, str]:
    """The socket and the database of an address."""
    parts = conninfo_to_dict(driver_conninfo(address))
    return f"{parts['host']}/.s.PGSQL.5432", str(parts["dbname"])


@pytest.fixture
async def strict(database_url: str) -> AsyncIterator[Pooler]:
    async with pooler(_of(database_url)[0]) as made:
        yield made


@pytest.fixture
async def lax(database_url: str) -> AsyncIterator[Pooler]:
    async with pooler(_of(database_url)[0], refuses=False) as made:
        yield made


def _runtime(settings: Settings, db: Database) -> Runtime:
    return Runtime(
        settings=settings, clock=Clock(), metrics=Metrics(), db=db, catalog=settings.catalog()
    )


async def set_up(database_url: str, pooled: Database) -> None:
    """What an operator is told to run."""
    async with pooled.single() as tx:
        (unmet,) = await conditions.unmet(tx, pooled)
    assert unmet.remedy.startswith("run `ALTER ROLE postgres IN DATABASE test_")
    with psycopg.connect(driver_conninfo(database_url), autocommit=True) as connection:
        connection.pgconn.exec_(unmet.remedy.split("`")[1].encode())
    await pooled.close()


async def test_a_gateway_works_behind_one(
    database_url: str, strict: Pooler, tmp_path: Path
) -> None:
    address = strict.address(_of(database_url)[1])
    pooled = Database(address, pool_size=2, session_address=database_url)
    await set_up(database_url, pooled)
    before = strict.connections
    async with gateway(address, tmp_path, database_session_url=SecretStr(database_url)) as gate:
        await startup.refuse_other_databases(gate.rt)
        key = await gate.member()
        answers = await asyncio.gather(*(gate.create(key) for _ in range(20)))
        assert [answer.status_code for answer in answers] == [202] * 20
        for answer in answers:
            closed = await gate.closed(answer.json()["aiRecord"]["uuid"])
            assert closed.state == "succeeded"
        found = {f.name: f.ok async for f in examine(gate.worker, gate.worker.upstream)}
        assert found["database"] is True
        assert found["sessions"] is True
    assert strict.connections > before
    assert strict.names == []
    assert strict.of_a_session == []


async def test_statements_are_prepared_where_the_pooler_can_keep_them_apart(
    database_url: str, strict: Pooler
) -> None:
    for prepared in (False, True):
        pooled = Database(
            strict.address(_of(database_url)[1]), pool_size=1, session_address=database_url,
            prepared=prepared,
        )  # fmt: skip
        for _ in range(10):
            async with pooled.single() as tx:
                await tx.execute(text("SELECT :a + 1"), {"a": 1})
        await pooled.close()
        assert bool(strict.names) is prepared


async def test_one_that_nobody_told_of_is_refused(
    database_url: str, strict: Pooler, lax: Pooler, tmp_path: Path
) -> None:
    """Also where the role happens to be set up: what is prepared would break."""
    name = _of(database_url)[1]
    await set_up(
        database_url, Database(lax.address(name), pool_size=1, session_address="postgresql:///")
    )
    for refusing in (strict, lax):
        address = refusing.address(name)
        settings = settings_for(address, tmp_path)
        db = Database(address, pool_size=1)
        rt = _runtime(settings, db)
        with pytest.raises(ConfigurationError, match=POOLER):
            await startup.refuse_other_databases(rt)
        with pytest.raises((ConfigurationError, Unavailable), match=POOLER):
            await startup.need_database(rt)
        with pytest.raises((ConfigurationError, Unavailable), match=POOLER):
            await asyncio.to_thread(migrate.upgrade, address)
        await db.close()


async def test_sessions_that_nobody_set_up_are_refused_with_what_to_run(
    database_url: str, strict: Pooler, tmp_path: Path
) -> None:
    address = strict.address(_of(database_url)[1])
    db = Database(address, pool_size=1, session_address=database_url)
    with pytest.raises(ConfigurationError) as refused:
        await startup.refuse_other_databases(_runtime(settings_for(address, tmp_path), db))
    await db.close()
    for name, value in (("search_path", "public"), ("statement_timeout", "15s")):
        assert f"SET {name} = '{value}';" in str(refused.value)


def test_migrations_go_beside_the_pooler(database_url: str, tmp_path: Path) -> None:
    settings = settings_for(
        "postgresql://u@127.0.0.1:9/pooler", tmp_path, database_session_url=SecretStr(database_url)
    )
    processes.migrated(settings)


async def test_notifications_are_heard_beside_the_pooler(
    database_url: str, strict: Pooler, tmp_path: Path
) -> None:
    """Well before the slow look."""
    address = strict.address(_of(database_url)[1])
    await set_up(database_url, Database(address, pool_size=1, session_address=database_url))
    async with gateway(
        address, tmp_path, worker=False, database_session_url=SecretStr(database_url)
    ) as gate:
        heard = asyncio.Event()
        gate.rt.watch._on_notice = heard.set

        async def announce() -> None:
            while not heard.is_set():
                async with gate.rt.db.single() as tx:
                    await tx.execute(text("SELECT pg_notify('reelgate_generation', '')"))
                await asyncio.sleep(0.05)

        async with asyncio.timeout(60):
            await announce()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"database_url": "postgresql://h/d", "database_session_url": "mysql://canary"},
         "REELGATE_DATABASE_SESSION_URL must be a PostgreSQL address"),
        ({"database_session_url": "postgresql://h/d"},
         "REELGATE_DATABASE_SESSION_URL is for where DATABASE_URL leads to a pooler"),
    ],
)  # fmt: skip
def test_a_second_address_that_cannot_be_meant_is_refused(
    values: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(ConfigurationError, match=sentence) as refused:
        Settings(_env_file=None, **values).checked()
    assert "canary" not in str(refused.value)


def test_a_second_address_of_another_tools_dialect_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"^REELGATE_DATABASE_SESSION_URL has options"):
        Database("postgresql://h/d", pool_size=1, session_address="postgresql://h/d?pgbouncer=true")


@pytest.mark.parametrize(
    "statements", [["PREPARE twice AS SELECT 1"] * 2, ["EXECUTE unknown"]], ids=["twice", "unknown"]
)
async def test_a_prepared_statement_of_another_server_costs_a_connection(
    statements: list[str], database_url: str
) -> None:
    """And the request, which may be sent again."""
    db = Database(database_url, pool_size=1)
    pid = text("SELECT pg_backend_pid()")
    async with db.single() as tx:
        before = await tx.scalar(pid)

    async def run() -> None:
        async with db.single() as tx:
            for statement in statements:
                await tx.execute(text(statement))

    with pytest.raises(Unavailable):
        await run()
    async with db.single() as tx:
        assert await tx.scalar(pid) != before
    await db.close()
