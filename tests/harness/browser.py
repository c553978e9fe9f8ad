"""Scripts that drive a real browser: Chromium of this machine, through Playwright."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.harness.processes import environment
from tests.harness.toolchains import node_with, program

_SECONDS = 300


class Script:
    """A script that runs. It prints what it sees."""

    def __init__(self, running: subprocess.Popen[str]) -> None:
        self._running = running

    def line(self) -> str:
        """Its next line, once it has printed it."""
        assert self._running.stdout is not None
        line = self._running.stdout.readline()
        assert line, self._running.communicate(timeout=_SECONDS)[1]
        return line.rstrip("\n")

    def rest(self) -> str:
        """All that it prints until it ends, which it has to do without an error."""
        printed, errors = self._running.communicate(timeout=_SECONDS)
        assert self._running.returncode == 0, errors
        return printed


@contextlib.contextmanager
def browsing(folder: Path, source: Path, *words: str) -> Iterator[Script]:
    """Runs the script with the browser's program, a folder for its profile, and `words`. It and the
    browser end with this, whatever happens."""
    script = folder / source.name
    shutil.copy(source, script)
    (folder / "node_modules").symlink_to(node_with("browser") / "node_modules")
    with subprocess.Popen(
        ["node", str(script), str(program("chromium")), str(folder / "profile"), *words],
        cwd=folder, env=environment(folder, {}), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as running:  # fmt: skip
        try:
            yield Script(running)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
