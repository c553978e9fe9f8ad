"""Schemathesis against the running gateway: what comes back is in the document."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.harness.processes import Api
from tests.harness.toolchains import python_with
from tests.promises.site import Caller
from tests.structure.sources import ROOT

_HERE = Path(__file__).parent
#: Streams do not end.
_STREAMS = ("stream_events", "stream_generation_events")
#: Below the time after which a test that hangs ends its process.
_SECONDS = 840


def test_nothing_that_is_answered_is_undocumented(api: Api, caller: Caller, tmp_path: Path) -> None:
    """No 5xx, no status, content type, header or body that the document does not have; nothing
    that is not valid is taken, nothing is answered without a key, and links between operations
    lead on. The seed and the number of examples are fixed."""
    command = [
        str(python_with("schemathesis").with_name("st")),
        "--config-file", str(_HERE / "schemathesis.toml"), "run",
        str(ROOT / "docs" / "openapi.json"), "--url", api.address,
        "--header", f"API-KEY: {caller.key}", "--seed", "20260301", "--max-examples", "4",
        "--request-timeout", "120", "--no-color", "--continue-on-failure", "--no-shrink",
        # How fast examples are made says something of the machine alone.
        "--suppress-health-check", "too_slow",
    ]  # fmt: skip
    for name in _STREAMS:
        command += ["--exclude-operation-id", name]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(_HERE)},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    ran = re.search(r"(\d+) generated", done.stdout)
    assert ran is not None
    assert int(ran[1]) > 300
    for phase in ("Examples", "Coverage", "Fuzzing", "Stateful"):
        assert re.search(rf"✅ {phase}", done.stdout), done.stdout[-3_000:]
