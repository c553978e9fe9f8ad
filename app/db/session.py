"""Connections to Postgres. A `Tx` is an open connection: pass it as the first argument, and never
commit it elsewhere."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo
from sqlalchemy import NullPool, event, exc, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from app.db.direct import Direct
from app.db.faults import STALE, conflict, fault, is_dead, unavailable
from app.errors import ConfigurationError

Tx = AsyncConnection

#: Postgres cancels a statement that runs longer: none needs more, but for those that
#: `take_your_time`.
_STATEMENT_TIMEOUT = "15s"
#: If a process is frozen or its machine fails during a transaction, its locks are released after
#: this time. Our transactions wait for nothing but Postgres.
_IDLE_TRANSACTION = "15s"

#: How long to wait for a connection while every one is in use.
_WAIT_SECONDS = 10.0

#: The number of executions after which the driver prepares a statement: its own default.
PREPARE_THRESHOLD = 5
#: A dead network is noticed within half a minute.
KEEPALIVES = {
    "keepalives_idle": 5, "keepalives_interval": 5, "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}  # fmt: skip


#: What every session needs, in Postgres's notation, whatever the database, its role, the
#: environment or the address say. Admission reads a new snapshot after each lock; a stricter
#: isolation level would let it decide on old figures. Whether a session may write is left to the
#: server, because a read-only database or a demoted primary is meant to be one.
_SESSION = {
    "TimeZone": "UTC", "DateStyle": "ISO, MDY", "IntervalStyle": "postgres",
    "search_path": "public", "standard_conforming_strings": "on", "bytea_output": "hex",
    "lock_timeout": "0", "default_transaction_isolation": "read committed",
}  # fmt: skip
#: Any name with a dot can be set when connecting. If it is missing, something in between has
#: dropped the settings.
_MARK = {"reelgate.session": "own"}
OWN_SESSION = text("SELECT coalesce(current_setting('reelgate.session', true), '') = 'own'")


def sqlalchemy_url(address: str) -> URL:
    """The address with our driver, from any usual spelling. Raises `ConfigurationError`."""
    return _read(address)


def driver_conninfo(address: str, *, pooler: bool = False) -> str:
    """The address for the driver itself and the job library."""
    session = session_arguments(address, idle_transaction=_IDLE_TRANSACTION, pooler=pooler)
    return _conninfo(address, session)


def _conninfo(address: str, session: dict[str, Any]) -> str:
    url = _read(address)
    named: dict[str, Any] = url.translate_connect_args(username="user", database="dbname")
    return make_conninfo(**named, **{**_query(url), **session})


def session_arguments(
    address: str,
    *,
    statement_timeout: str = "0",
    idle_transaction: str = "0",
    pooler: bool = False,
) -> dict[str, Any]:
    """The connection arguments for a session as in `_SESSION`. A pooler in transaction mode accepts
    no settings when connecting, since its sessions are shared."""
    # The last value counts. The address may have options of its provider, such as an endpoint.
    options = [_query(_read(address)).get("options", "")]
    if not pooler:
        pins = {**_pins(statement_timeout, idle_transaction), **_MARK}
        options += [
            f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in pins.items()
        ]
    return {"client_encoding": "UTF8", "options": " ".join(options).strip()}


def _pins(statement_timeout: str, idle_transaction: str) -> dict[str, str]:
    return {
        **_SESSION,
        "statement_timeout": statement_timeout,
        "idle_in_transaction_session_timeout": idle_transaction,
    }


def _read(address: str, setting: str = "DATABASE_URL") -> URL:
    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    try:
        url = make_url(address).set(drivername="postgresql+psycopg")
        url.get_dialect()().create_connect_args(url)
        if re.search(r"[\x00-\x1f\x7f]|%00", address) or "@" in (url.host or ""):
            raise ValueError
    except (ArgumentError, ValueError):
        raise ConfigurationError(
            f"{setting} cannot be read: it must be one address of one host, "
            "postgresql://user:password@host:5432/name, with special characters as %XX."
        ) from None
    foreign = sorted(set(url.query) - known)
    if foreign:
        raise ConfigurationError(
            f"{setting} has options that PostgreSQL does not know ({', '.join(foreign)}): they "
            "are another tool's, take them out."
        )
    return url


#: For an address that does not lead to PostgreSQL itself.
POOLER = (
    "The address leads to a pooler that does not pass on what a session needs: set "
    "REELGATE_DATABASE_SESSION_URL to that of the database itself"
)


#: Errors of the database, in SQLAlchemy's form or the driver's own.
DRIVER_ERRORS = (exc.DBAPIError, psycopg.Error)


def reason_of(error: BaseException) -> str | None:
    """In one line, why the database refused a connection or a statement. May contain host, user and
    database, but never the password."""
    known = (*DRIVER_ERRORS, exc.TimeoutError, UnicodeError)
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, known):
        cause = cause.__cause__
    if isinstance(cause, exc.DBAPIError):
        cause = cause.orig
    if isinstance(cause, psycopg.Error):
        said = str(cause).strip().splitlines()
        reason = said[0].rstrip(".") if said else "no answer"
        # In PgBouncer's words.
        return f"{reason}. {POOLER}" if "unsupported startup parameter" in reason else reason
    if isinstance(cause, UnicodeError):
        return "DATABASE_URL has a host that no name can be"
    return "every connection is in use" if isinstance(cause, exc.TimeoutError) else None


def _query(url: URL) -> dict[str, str]:
    """If a parameter is repeated, the last value counts, as for the driver."""
    return {name: v if isinstance(v, str) else v[-1] for name, v in url.query.items()}


def shown_address(address: str) -> str:
    """Host, port and database: the part of an address that may be shown."""
    url = make_url(address)
    host = url.host or url.query.get("host") or "localhost"
    return f"{host}:{url.port or 5432}/{url.database or ''}"


class Database:
    """Connections, pooled. Opens nothing before the first use. `direct` are apart from the pool."""

    def __init__(
        self,
        address: str,
        *,
        pool_size: int,
        direct_size: int = 1,
        pooled: bool = True,
        session_address: str | None = None,
        prepared: bool | None = None,
    ) -> None:
        """`session_address` is the database itself, if `address` is a pooler in transaction mode.
        `prepared`: whether statements are prepared. None: unless there is a pooler, which must
        support that."""
        if session_address is not None:
            _read(session_address, "REELGATE_DATABASE_SESSION_URL")
        self.address = address
        self.session_address = session_address or address
        self.pooler = session_address is not None
        self.prepared = not self.pooler if prepared is None else prepared
        pool: dict[str, Any] = (
            {
                "pool_size": pool_size, "max_overflow": 0, "pool_timeout": _WAIT_SECONDS,
                "pool_use_lifo": True,
            }
            if pooled
            else {"poolclass": NullPool}
        )  # fmt: skip
        session = session_arguments(
            address,
            statement_timeout=_STATEMENT_TIMEOUT,
            idle_transaction=_IDLE_TRANSACTION,
            pooler=self.pooler,
        )
        driver = {
            "connect_timeout": 5,
            "prepare_threshold": PREPARE_THRESHOLD if self.prepared else None,
            "application_name": "reelgate",
            **KEEPALIVES,
        }
        self.direct = Direct(
            {**driver, "conninfo": _conninfo(address, session)},
            size=direct_size,
            wait_seconds=_WAIT_SECONDS,
        )
        self._engine = create_async_engine(
            sqlalchemy_url(address),
            connect_args={**driver, **session},
            # Statements carry prompts, links and digests, and the text of an exception may reach a
            # log.
            hide_parameters=True,
            # Connections in the pool are in autocommit. So `single`, which is nearly every use,
            # sends no BEGIN and COMMIT, and does not switch modes when it takes and returns one.
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            **pool,
        )
        event.listen(self._engine.sync_engine, "checkout", _refuse_the_dead)
        # Uses the same pool.
        self._transactional = self._engine.execution_options(isolation_level="READ COMMITTED")

    @property
    def pins(self) -> dict[str, str]:
        """The settings of a session of this database, in Postgres's notation."""
        pins = _pins(_STATEMENT_TIMEOUT, _IDLE_TRANSACTION)
        return pins if self.pooler else {**pins, **_MARK}

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
        """A connection on which every statement commits by itself: for reads, and writes of one
        statement. Raises `Unavailable`, `Conflict`, `Fault`."""
        with _translated() as use:
            async with self._engine.connect() as tx, _dropped_when_stale(tx):
                use.begun = True
                yield tx

    async def close(self) -> None:
        await self.direct.close()
        await self._engine.dispose()


async def take_your_time(tx: Tx) -> None:
    """Until the end of this transaction, statements may run for as long as they need: those that
    read all of a table, for an operator who waits for it."""
    await tx.execute(text("SET LOCAL statement_timeout = 0"))


def _refuse_the_dead(driver: DBAPIConnection, _record: object, _proxy: object) -> None:
    """Then all connections are replaced."""
    if is_dead(driver.driver_connection):
        raise exc.InvalidatePoolError("the connection was closed while it rested")


def _stale(error: exc.DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) in STALE


@asynccontextmanager
async def _dropped_when_stale(tx: Tx) -> AsyncIterator[None]:
    """Drops a connection to a server that is no longer the primary."""
    try:
        yield
    except exc.DBAPIError as error:
        if _stale(error):
            await tx.invalidate()
        raise


class _translated:  # noqa: N801 - reads as a block, not as a thing
    """Translates driver errors into our own, without the statement or its parameters."""

    #: Whether there was a connection to send anything on.
    begun = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, exc.IntegrityError):
            raise conflict(error.orig) from None
        away = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError)
        # If no connection can be made, the address may be wrong, which is no fault of a statement.
        unreached = not self.begun and isinstance(error, exc.DBAPIError | UnicodeError)
        if (
            unreached
            or isinstance(error, away)
            or (
                isinstance(error, exc.DBAPIError)
                and (error.connection_invalidated or _stale(error))
            )
        ):
            raise unavailable(unasked=not self.begun) from error
        if isinstance(error, exc.DBAPIError):
            raise fault(error.orig) from error
