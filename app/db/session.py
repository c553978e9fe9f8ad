"""Connections to Postgres. A `Tx` is an open connection: pass it first, commit nowhere else."""

from __future__ import annotations

import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo
from sqlalchemy import NullPool, event, exc
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from app.errors import ConfigurationError, Unavailable

Tx = AsyncConnection

#: A statement that runs longer is cut off by Postgres: no query of ours needs more.
_STATEMENT_TIMEOUT_MS = 15_000
#: A process that stands still, or whose machine is gone, in the middle of a transaction gives up
#: its locks after so long: no transaction of ours waits for anything but Postgres.
_IDLE_TRANSACTION_MS = 15_000


#: A network that went silent is noticed within half a minute.
KEEPALIVES = {
    "keepalives_idle": 5, "keepalives_interval": 5, "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}  # fmt: skip


class Conflict(Exception):
    """A unique constraint refused a row; `constraint` is its name."""

    def __init__(self, constraint: str) -> None:
        self.constraint = constraint
        super().__init__(constraint)


class Fault(Exception):
    """The database refused a statement for a reason of its own; no parameters in the message."""


#: What every session needs, whatever the database, its role, the environment or the address would
#: set. Admission reads a fresh snapshot after each lock; a stricter isolation would have it decide
#: on figures from before. Whether a session may write is left to the server: a database that was
#: made read-only, or a demoted primary, is meant to be.
_SESSION = {
    "TimeZone": "UTC", "DateStyle": "ISO,MDY", "IntervalStyle": "postgres", "search_path": "public",
    "standard_conforming_strings": "on", "bytea_output": "hex", "lock_timeout": "0",
    "default_transaction_isolation": "read\\ committed",
}  # fmt: skip


def sqlalchemy_url(address: str) -> URL:
    """The address with our driver, whichever of the usual spellings it came in. Raises
    `ConfigurationError`."""
    return _read(address).set(drivername="postgresql+psycopg")


def driver_conninfo(address: str) -> str:
    """The address as the driver itself and the job library take it."""
    url = _read(address)
    named: dict[str, Any] = url.translate_connect_args(username="user", database="dbname")
    session = session_arguments(address, idle_transaction_ms=_IDLE_TRANSACTION_MS)
    return make_conninfo(**named, **{**_query(url), **session})


def session_arguments(
    address: str, *, statement_timeout_ms: int = 0, idle_transaction_ms: int = 0
) -> dict[str, Any]:
    """What to connect with, so that a session is as `_SESSION` says."""
    settings = {
        **_SESSION,
        "statement_timeout": statement_timeout_ms,
        "idle_in_transaction_session_timeout": idle_transaction_ms,
    }
    # The last counts. The address may have options of a provider's own, such as an endpoint.
    given = _query(_read(address)).get("options", "")
    pinned = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return {"client_encoding": "UTF8", "options": f"{given} {pinned}".strip()}


def _read(address: str) -> URL:
    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise ConfigurationError(
            "DATABASE_URL cannot be read: it must be one address of one host, "
            "postgresql://user:password@host:5432/name, with special characters as %XX."
        ) from None
    foreign = sorted(set(url.query) - known)
    if foreign:
        raise ConfigurationError(
            f"DATABASE_URL has options that PostgreSQL does not know ({', '.join(foreign)}): they "
            "are another tool's, take them out."
        )
    return url


def _query(url: URL) -> dict[str, str]:
    """Of what is given twice the last counts, as for the driver."""
    return {name: v if isinstance(v, str) else v[-1] for name, v in url.query.items()}


def shown_address(address: str) -> str:
    """Host, port and database: what may be shown of an address."""
    url = make_url(address)
    host = url.host or url.query.get("host") or "localhost"
    return f"{host}:{url.port or 5432}/{url.database or ''}"


class Database:
    """A pool of connections. Nothing is opened before the first use."""

    def __init__(self, address: str, *, pool_size: int, pooled: bool = True) -> None:
        self.address = address
        pool: dict[str, Any] = (
            {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": 10, "pool_use_lifo": True}
            if pooled
            else {"poolclass": NullPool}
        )
        self._engine = create_async_engine(
            sqlalchemy_url(address),
            connect_args={
                "connect_timeout": 5,
                **session_arguments(
                    address,
                    statement_timeout_ms=_STATEMENT_TIMEOUT_MS,
                    idle_transaction_ms=_IDLE_TRANSACTION_MS,
                ),
                "application_name": "reelgate",
                **KEEPALIVES,
            },
            # Statements carry prompts, links and digests; an exception's text may reach a log.
            hide_parameters=True,
            # A connection rests in autocommit, so that `single`, which is nearly every use, neither
            # sends BEGIN and COMMIT nor switches modes when it takes and returns one.
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            **pool,
        )
        event.listen(self._engine.sync_engine, "checkout", _refuse_the_dead)
        # Shares the pool.
        self._transactional = self._engine.execution_options(isolation_level="READ COMMITTED")

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Tx]:
        """One transaction, committed when the block ends. Raises `Unavailable`, `Conflict`,
        `Fault`."""
        with _translated() as use:
            async with self._transactional.begin() as tx, _dropped_when_stale(tx):
                use.begun = True
                yield tx

    @asynccontextmanager
    async def single(self) -> AsyncIterator[Tx]:
        """A connection on which every statement commits by itself: reads, and one-statement
        writes. Raises `Unavailable`, `Conflict`, `Fault`."""
        with _translated() as use:
            async with self._engine.connect() as tx, _dropped_when_stale(tx):
                use.begun = True
                yield tx

    async def close(self) -> None:
        await self._engine.dispose()


def _refuse_the_dead(driver: DBAPIConnection, _record: object, _proxy: object) -> None:
    """Postgres restarted or cut its connections while they rested in the pool: that can be read
    from the socket before a request is spent on it. All are made anew, for no trip of their own."""
    connection = driver.driver_connection
    assert connection is not None
    dead = connection.closed
    if not dead:
        waiting = select.poll()
        waiting.register(connection.fileno(), select.POLLIN)
        # Postgres tells nothing unasked that is not an end, or not worth a connection.
        dead = bool(waiting.poll(0))
    if dead:
        raise exc.InvalidatePoolError("the connection was closed while it rested")


#: A demoted primary (read only), and a pooler that gave the connection another server.
_STALE = frozenset({"25006", "26000"})


def _stale(error: exc.DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) in _STALE


@asynccontextmanager
async def _dropped_when_stale(tx: Tx) -> AsyncIterator[None]:
    """A connection to what is no longer the primary is not used again."""
    try:
        yield
    except exc.DBAPIError as error:
        if _stale(error):
            await tx.invalidate()
        raise


class _translated:  # noqa: N801 - reads as a block, not as a thing
    """Turns driver failures into our own errors, without the statement or its parameters."""

    #: Whether there was a connection to send anything on.
    begun = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, exc.IntegrityError):
            diagnosis = getattr(error.orig, "diag", None)
            raise Conflict(getattr(diagnosis, "constraint_name", None) or "unknown") from None
        away = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError)
        if isinstance(error, away) or (
            isinstance(error, exc.DBAPIError) and (error.connection_invalidated or _stale(error))
        ):
            unavailable = Unavailable(
                "The gateway cannot reach its database right now.", retry_after_seconds=2
            )
            unavailable.unasked = not self.begun
            raise unavailable from error
        if isinstance(error, exc.DBAPIError):
            state = getattr(error.orig, "sqlstate", None)
            raise Fault(f"{type(error.orig).__name__}, SQLSTATE {state}") from error
