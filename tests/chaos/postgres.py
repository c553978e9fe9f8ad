"""A Postgres of the run's own, with every promise of durability on, that can be killed."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from app.db.server import Server
from app.embedded import embedded_postgres, revive
from tests.harness.processes import until


class Postgres:
    def __init__(self, folder: Path, address: str) -> None:
        self._folder = folder
        self._server = Server(folder / "postgres")
        self.address = address
        self.log = self._server.folder / "log"

    def kill(self) -> None:
        """`kill -9` of the server that this run started: nothing is finished or closed in order."""
        pid = self._server.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until(lambda: self._server.pid() is None, "Postgres has ended")

    def start(self) -> None:
        """Its orphans hold its memory for a moment."""
        revive(self._folder)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Postgres]:
    with embedded_postgres(folder) as address:
        yield Postgres(folder, address)
