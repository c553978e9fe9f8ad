"""How the database fails, in our own errors: without the statement or its parameters."""

from __future__ import annotations

import select
from typing import Any

from app.errors import Unavailable

#: A demoted primary (read-only), and a pooler that gave the connection another server, where a
#: prepared statement is unknown or its name belongs to another client.
STALE = frozenset({"25006", "26000", "42P05"})


class Conflict(Exception):
    """A unique constraint refused a row; `constraint` is its name."""

    def __init__(self, constraint: str) -> None:
        self.constraint = constraint
        super().__init__(constraint)


class Fault(Exception):
    """The database refused a statement for its own reasons. The message has no parameters."""

    def __init__(self, message: str, *, sqlstate: str | None = None) -> None:
        self.sqlstate = sqlstate
        super().__init__(message)


def conflict(error: BaseException | None) -> Conflict:
    diagnosis = getattr(error, "diag", None)
    return Conflict(getattr(diagnosis, "constraint_name", None) or "unknown")


def fault(error: BaseException | None) -> Fault:
    state = getattr(error, "sqlstate", None)
    return Fault(f"{type(error).__name__}, SQLSTATE {state}", sqlstate=state)


def unavailable(*, unasked: bool) -> Unavailable:
    """`unasked`: nothing was sent to the database."""
    away = Unavailable("The gateway cannot reach its database right now.", retry_after_seconds=2)
    away.unasked = unasked
    return away


def is_dead(connection: Any) -> bool:
    """Of a connection of the driver's: Postgres may have restarted, or closed it while it was idle
    in the pool. The socket shows that before a request uses it, without a round trip."""
    if connection.closed:
        return True
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    # Postgres sends nothing unasked except the end of the connection, or what is not worth keeping
    # it.
    return bool(waiting.poll(0))
