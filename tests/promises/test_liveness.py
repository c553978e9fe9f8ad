"""Every process says whether its event loop turns, in the same way."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.harness.processes import START_SECONDS, until
from tests.promises.site import Site


def probe(path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.liveness"], env={"REELGATE_LIVENESS_SOCKET": path},
        capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("command", ["serve", "worker", "simulate", "up"])
def test_a_process_answers_until_it_stands_still(workers: Site, command: str) -> None:
    path = str(workers.folder / f"{command}.sock")
    process = workers.start(command, REELGATE_LIVENESS_SOCKET=path)
    until(lambda: probe(path).returncode == 0, f"{command} answers", seconds=START_SECONDS)
    process.pause()
    assert "did not answer" in probe(path).stderr
    process.resume()
    until(lambda: probe(path).returncode == 0, f"{command} answers again")
    process.terminate()
    assert process.exit_code() == 0, process.errors
    assert "Nobody answers" in probe(path).stderr
