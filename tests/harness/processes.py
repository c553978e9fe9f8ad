"""Gateways as real processes: starts them, reads their logs, signals them and always ends them.

Only processes started here are ever signaled. Each has its own folder and environment, so that no
variable of this machine and no `.env` affects it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

REELGATE = Path(sys.executable).with_name("reelgate")
#: Importing the application takes seconds before its bytecode is cached.
START_SECONDS = 90.0
_POLL_SECONDS = 0.01
#: A shell starts background programs with interrupts ignored, and their children inherit that.
_HEARING = ("env", "--default-signal=INT")
_Found = TypeVar("_Found")


def until(look: Callable[[], _Found | None], what: str, *, seconds: float = 120) -> _Found:
    """Polls until `look` returns something true, since another process sends no event. `seconds` is
    long: it should end only what never happens, not what is late on a busy machine."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(_POLL_SECONDS)
    raise AssertionError(f"{what}: not within {seconds:g} s")


def environment(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child process: the program path and the given settings only."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == "PATH" or name.startswith("COVERAGE_")
    }
    return {**kept, "HOME": str(folder), "LANG": "C.UTF-8", **settings}


class Process:
    """One `reelgate …` command. `name` names its log files."""

    def __init__(
        self, *command: str, folder: Path, name: str, settings: Mapping[str, str],
        program: Sequence[str | Path] = (REELGATE,),
    ) -> None:  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self._out, self._err = folder / f"{name}.out", folder / f"{name}.err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._child = subprocess.Popen(
                [*_HEARING, *program, *command],
                cwd=folder,
                env=environment(folder, settings),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    # Its output

    @property
    def printed(self) -> str:
        return self._out.read_text()

    @property
    def errors(self) -> str:
        return self._err.read_text()

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines of this event."""
        found = []
        for line in self.errors.splitlines():
            with contextlib.suppress(ValueError):
                entry = json.loads(line)
                if isinstance(entry, dict) and entry.get("event") == name:
                    found.append(entry)
        return found

    def logged(self, name: str, *, seconds: float = START_SECONDS) -> dict[str, Any]:
        """The first log line of this event. Waits for it."""

        def look() -> dict[str, Any] | None:
            ended = self._child.poll() is not None
            found = self.events(name)
            assert found or not ended, f"{self.name} ended early: {self.errors[-2000:]}"
            return found[0] if found else None

        return until(look, f"{self.name} logs {name}", seconds=seconds)

    # Control

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    def terminate(self) -> None:
        self._child.send_signal(signal.SIGTERM)

    def interrupt(self) -> None:
        """Ctrl-C, which a terminal sends to the whole process group."""
        if self.running:
            os.killpg(self.pid, signal.SIGINT)

    def pause(self) -> None:
        self._child.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._child.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """`kill -9`. The process has ended when this returns."""
        self._child.kill()
        self._child.wait()

    def exit_code(self, *, seconds: float = START_SECONDS) -> int:
        return self._child.wait(seconds)


class Api(Process):
    """A process that serves the API. `http` is a client without an API key."""

    def __init__(
        self, command: str, *, folder: Path, name: str, settings: Mapping[str, str],
        program: Sequence[str | Path] = (REELGATE,),
    ) -> None:  # fmt: skip
        super().__init__(command, folder=folder, name=name, settings=settings, program=program)
        self._http: httpx.Client | None = None

    @property
    def address(self) -> str:
        return str(self.logged("api_started")["address"])

    @property
    def http(self) -> httpx.Client:
        if self._http is None:
            self._http = httpx.Client(base_url=self.address, timeout=120, trust_env=False)
        return self._http

    def ready(self, *, seconds: float = START_SECONDS) -> Self:
        """Waits until `/readyz` answers 200, then returns the process itself."""
        until(lambda: self.readiness() == 200, f"{self.name} is ready", seconds=seconds)
        return self

    def readiness(self) -> int:
        with contextlib.suppress(httpx.TransportError):
            return self.http.get("/readyz").status_code
        return 0

    def close(self) -> None:
        if self._http is not None:
            self._http.close()


@contextlib.contextmanager
def ending_processes() -> Iterator[list[Process]]:
    """Ends every process in the list when the block ends, even by an exception."""
    processes: list[Process] = []
    try:
        yield processes
    finally:
        for process in processes:
            if process.running:
                process.resume()
                process.kill()
            if isinstance(process, Api):
                process.close()
