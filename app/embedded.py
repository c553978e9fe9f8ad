"""The embedded PostgreSQL: a real server from a wheel, for a first look and for tests.

Only its owner can reach it. It listens on no port, its socket is in its own folder, which only its
owner may enter, and it asks the operating system who connects.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from app.db.server import Failed, Server
from app.errors import ConfigurationError

_SOCKET = ".s.PGSQL.5432"
#: The length of a socket's path, in bytes, that every system accepts; Linux accepts four more.
_LONGEST_SOCKET = 103
#: Paths below it are the open files of the process that looks.
_DESCRIPTORS = Path("/proc/self/fd")


@contextmanager
def embedded_postgres(data_dir: Path) -> Iterator[str]:
    """The address of the server that keeps its files under `data_dir`/postgres.

    Starts it unless it is running: a killed process leaves it running for the next one. The last
    process that uses it stops it. Raises `ConfigurationError`.
    """
    data_dir = data_dir.resolve()
    server = Server(data_dir / "postgres")
    with _explained(server.folder):
        _make_private(data_dir)
        # Every user of the server holds it shared; the kernel releases it with the process.
        users = _open_lock(data_dir / "postgres.lock")
    try:
        with _explained(server.folder), _turn(data_dir):
            if _alone(users):
                _end_what_is_stale(server)
            server.ensure_running()
            fcntl.flock(users, fcntl.LOCK_SH)
        with _reachable(server.folder) as host:
            yield f"postgresql://postgres@/postgres?host={quote(host, safe='/')}"
    finally:
        # If the folder was moved while it was in use, the next start in it stops its server.
        with suppress(FileNotFoundError), _turn(data_dir):
            if _alone(users):
                server.stop()
        os.close(users)


def revive(data_dir: Path) -> bool:
    """Starts the server again if it ended while it is in use; returns whether it had. Its address
    stays. Raises `ConfigurationError`."""
    data_dir = data_dir.resolve()
    server = Server(data_dir / "postgres")
    if server.pid() is not None:
        return False
    with _explained(server.folder), _turn(data_dir):
        server.ensure_running()
    return True


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except (Failed, OSError) as error:
        log = folder / "log"
        raise ConfigurationError(
            f"The embedded PostgreSQL did not start: {str(error).rstrip('.')}; "
            + (f"see {log}, or " if log.exists() else "")
            + "set DATABASE_URL to a PostgreSQL of your own."
        ) from error


def _make_private(data_dir: Path) -> None:
    """Creates the data folder if it is missing. An existing one keeps its mode, and is refused if
    anybody else could replace its contents."""
    if not data_dir.exists():
        data_dir.mkdir(parents=True, mode=0o700)
    mode = data_dir.stat().st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise ConfigurationError(
            f"Every user of this machine may write in {data_dir}, so the embedded PostgreSQL is "
            "not safe there: `chmod o-w` it, or set REELGATE_DATA_DIR to another folder."
        )


def _end_what_is_stale(server: Server) -> None:
    """Before the first use of the folder: stops a server that still runs in it under its earlier
    path. Refuses a copy of a folder that was in use: it may be inconsistent, and what is queued in
    it would be sent twice."""
    noted = server.noted()
    if noted is None:
        return
    if server.pid() is not None:
        if noted.folder != str(server.folder):
            server.stop()
        return
    with suppress(OSError):
        if Path(f"/proc/{noted.pid}/cwd/postmaster.pid").read_text() == noted.text:
            raise ConfigurationError(
                f"{server.folder} is a copy of a folder that is still in use (by process "
                f"{noted.pid}): stop Reelgate there and copy it again."
            )


@contextmanager
def _reachable(folder: Path) -> Iterator[str]:
    """A path to the folder that clients can use. If it is too long for a socket, or has the comma
    that separates hosts, it goes through an open descriptor of this process."""
    path = str(folder)
    if len(os.fsencode(path)) + 1 + len(_SOCKET) <= _LONGEST_SOCKET and "," not in path:
        yield path
        return
    if not _DESCRIPTORS.exists():
        raise ConfigurationError(
            f"The path of {folder} is too long for a socket, or has a comma: set REELGATE_DATA_DIR "
            "to another folder."
        )
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield str(_DESCRIPTORS / str(descriptor))
    finally:
        os.close(descriptor)


@contextmanager
def _turn(data_dir: Path) -> Iterator[None]:
    """Only one process at a time starts or stops the server."""
    descriptor = _open_lock(data_dir / "postgres.starting.lock")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _alone(descriptor: int) -> bool:
    """Takes the lock exclusively if nobody else holds it; otherwise releases this process's share
    of it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
