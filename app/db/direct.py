"""Connections of the driver alone, for the statements that nearly every request sends.

SQLAlchemy around one such statement costs four times what the driver costs (decision 0020). Each
statement commits by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row

from app.db.faults import STALE, conflict, fault, is_dead, unavailable

Connection = psycopg.AsyncConnection[DictRow]


class Direct:
    """At most `size` connections, opened when they are needed."""

    def __init__(self, arguments: Mapping[str, Any], *, size: int, wait_seconds: float) -> None:
        """`arguments` are the driver's."""
        self._arguments = arguments
        self._wait_seconds = wait_seconds
        self._free = asyncio.Semaphore(size)
        #: The one that was used last is used next.
        self._idle: list[Connection] = []

    async def one(
        self, statement: LiteralString, values: Sequence[Any] | Callable[[], Sequence[Any]]
    ) -> DictRow | None:
        """The first row of a constant statement. Raises `Unavailable`, `Conflict`, `Fault`. Values
        that change while it waits for a connection are called for when it has one."""
        begun = False
        # UnicodeError: for an impossible host name.
        away = (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError, UnicodeError)
        try:
            async with self._connection() as connection:
                begun = True
                given = values() if callable(values) else values
                cursor = await connection.execute(statement, given)
                return await cursor.fetchone()
        except psycopg.IntegrityError as error:
            raise conflict(error) from None
        except away as error:
            raise unavailable(unasked=not begun) from error
        except psycopg.Error as error:
            if not begun or error.sqlstate in STALE:
                raise unavailable(unasked=not begun) from error
            raise fault(error) from error

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        async with asyncio.timeout(self._wait_seconds):
            await self._free.acquire()
        try:
            connection = await self._take()
            try:
                yield connection
            except psycopg.Error as error:
                if error.sqlstate in STALE:
                    await connection.close()
                raise
            finally:
                await self._put(connection)
        finally:
            self._free.release()

    async def _take(self) -> Connection:
        if self._idle:
            connection = self._idle.pop()
            if not is_dead(connection):
                return connection
            # The others were idle as long.
            await self._close([connection, *self._idle])
        return await psycopg.AsyncConnection.connect(
            **self._arguments, autocommit=True, row_factory=dict_row
        )

    async def _put(self, connection: Connection) -> None:
        """One that was interrupted may still have an answer to come."""
        if connection.closed or connection.info.transaction_status is not TransactionStatus.IDLE:
            await connection.close()
        else:
            self._idle.append(connection)

    async def close(self) -> None:
        await self._close(list(self._idle))

    async def _close(self, connections: Sequence[Connection]) -> None:
        self._idle.clear()
        for connection in connections:
            await connection.close()
