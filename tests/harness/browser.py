"""Scripts that drive a real browser: Chromium of this machine, through Playwright."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.harness.processes import environment
from tests.harness.toolchains import node_with, program

_TESTS = Path(__file__).parents[1]
#: What the scripts share.
_SHARED = Path(__file__).with_suffix(".mjs")
_SECONDS = 300
#: A folder for a picture of everything that is examined: nothing compares them, they are to be
#: looked at.
_PICTURES = "REELGATE_TEST_PICTURES"


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

    def step(self, name: str) -> Any:
        """What it has found in its next step, which has to be this one."""
        said = json.loads(self.line())
        assert said["step"] == name, said
        return said["found"]

    def ends_well(self) -> None:
        """Its person has finished: the browser complained of nothing, and axe of no page."""
        for name in ("complaints", "violations"):
            found = self.step(name)
            assert found == [], found
        assert self.rest() == ""

    def rest(self) -> str:
        """All that it prints until it ends, which it has to do without an error."""
        printed, errors = self._running.communicate(timeout=_SECONDS)
        assert self._running.returncode == 0, errors
        return printed


@contextlib.contextmanager
def browsing(folder: Path, source: Path, *words: str) -> Iterator[Script]:
    """Runs the script with the browser's program, a folder for its profile, and `words`. It and the
    browser end with this, whatever happens."""
    # As they lie beside each other, so that an import is the same there. The packages are found in
    # a folder above a script's own.
    script, shared = (folder / path.relative_to(_TESTS) for path in (source, _SHARED))
    for copied, original in ((script, source), (shared, _SHARED)):
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(original, copied)
    pictures = {_PICTURES: where} if (where := os.environ.get(_PICTURES)) else {}
    (folder / "node_modules").symlink_to(node_with("browser") / "node_modules")
    with subprocess.Popen(
        ["node", str(script), str(program("chromium")), str(folder / "profile"), *words],
        cwd=folder, env=environment(folder, pictures), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as running:  # fmt: skip
        try:
            yield Script(running)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
