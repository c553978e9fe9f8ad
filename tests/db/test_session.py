"""Connections that die while they rest in the pool, and sessions that take nothing from outside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from psycopg import sql
from sqlalchemy import create_engine, text

from app.db import accounts, ledger, migrate
from app.db.session import Database, driver_conninfo, sqlalchemy_url
from app.domain.accounts import AccountKind, Period
from app.errors import ConfigurationError
from tests.harness.database import Server
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


OUTSIDE = {
    "datestyle": "SQL, DMY", "client_encoding": "LATIN1", "timezone": "Asia/Tokyo",
    "search_path": "elsewhere", "bytea_output": "escape", "intervalstyle": "iso_8601",
    "standard_conforming_strings": "off",
}  # fmt: skip
NEEDED = {
    "datestyle": "ISO, MDY", "client_encoding": "UTF8", "timezone": "UTC", "search_path": "public",
    "bytea_output": "hex", "intervalstyle": "postgres",
    "standard_conforming_strings": "on",
}  # fmt: skip


async def test_a_session_takes_nothing_from_the_database_the_address_or_the_environment(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(driver_conninfo(database_url), autocommit=True) as connection:
        for name, value in OUTSIDE.items():
            connection.execute(
                sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                    sql.Identifier(connection.info.dbname), sql.Identifier(name), sql.Literal(value)
                )
            )
    monkeypatch.setenv("PGOPTIONS", "-c timezone=America/Lima")
    address = f"{database_url}&options=-csearch_path%3Dfoo&client_encoding=LATIN1"
    with psycopg.connect(driver_conninfo(address)) as connection:
        rows = connection.execute("SELECT lower(name), setting FROM pg_settings").fetchall()
        assert {name: setting for name, setting in rows if name in NEEDED} == NEEDED
    opened = Database(address, pool_size=2)
    async with opened.single() as tx:
        for name, value in NEEDED.items():
            assert await tx.scalar(text(f"SHOW {name}")) == value, name
        assert await tx.scalar(text("SELECT 'ü' || chr(128512)")) == "ü\U0001f600"
    await opened.close()
    # Nothing is missing, and nothing is made anywhere else.
    migrate.upgrade(address)
    migrate.check(address)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:canary@h/d?pgbouncer=true",
        "postgresql://u:canary@h/d?schema=public&sslmode=require",
        "postgresql://u:canary@h1:5432,h2:5432/d",
        "postgresql://u:canary@h:port/d",
    ],
)
def test_an_address_of_another_tools_dialect_is_refused_in_one_sentence(address: str) -> None:
    for use in (lambda: Database(address, pool_size=2), lambda: migrate.upgrade(address)):
        with pytest.raises(ConfigurationError, match=r"^DATABASE_URL ") as refused:
            use()
        assert "canary" not in str(refused.value)
        assert "\n" not in str(refused.value)


def test_a_database_that_is_not_in_utf8_is_refused_in_one_sentence(postgres: Server) -> None:
    with psycopg.connect(driver_conninfo(postgres.address), autocommit=True) as admin:
        admin.execute(
            "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'"
            " TEMPLATE template0"
        )
        with pytest.raises(ConfigurationError, match="encoding is SQL_ASCII"):
            migrate.upgrade(postgres.named("ascii"))
        admin.execute("DROP DATABASE ascii")


def test_a_migration_leaves_no_lock_with_its_session(database_url: str) -> None:
    """Behind a pooler the session is another client's next."""
    engine = create_engine(sqlalchemy_url(database_url))
    with engine.connect() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        left = connection.scalar(
            text("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()"
                 " AND locktype = 'advisory'")
        )  # fmt: skip
        assert left == 0
        assert connection.scalar(text("SHOW lock_timeout")) == "0"
    engine.dispose()


@pytest.mark.parametrize("read", ["verified", "rebuilt", "recounted"])
async def test_what_reads_a_whole_ledger_may_take_its_time(database: Database, read: str) -> None:
    """A statement of 15 seconds is canceled, and a ledger grows for ever."""
    async with database.begin() as tx:
        if read == "verified":
            await ledger.differences(tx, limit=1)
        elif read == "rebuilt":
            await accounts.rebuild_all(tx)
        else:
            await accounts.set_period(tx, AccountKind.TEAM, uuid4(), Period.MONTH)
        assert await tx.scalar(text("SHOW statement_timeout")) == "0"
    async with database.begin() as tx:
        assert await tx.scalar(text("SHOW statement_timeout")) == "15s"
