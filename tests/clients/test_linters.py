"""Linters of OpenAPI documents find nothing to report in those that the gateway serves."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness.processes import Api, environment
from tests.harness.toolchains import node_with

_HERE = Path(__file__).parent
_DOCUMENTS = tuple(
    f"{prefix}/openapi.json"
    for prefix in ("/api/v1", "/v1", "/dream-machine/v1", "/luma/v1", "/openrouter/api/v1")
)
#: Each with its configuration, in which it reports more than it does by default.
_LINTERS = {
    "redocly": ("lint", "--config", str(_HERE / "redocly.yaml")),
    "spectral": ("lint", "--ruleset", str(_HERE / "spectral.yaml"), "--fail-severity", "hint"),
}
#: Redocly reports its use and asks for newer versions unless told not to.
_ALONE = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


def _lint(linter: str, folder: Path, *documents: str) -> tuple[int, str]:
    done = subprocess.run(
        [str(node_with("linters") / "node_modules" / ".bin" / linter), *_LINTERS[linter],
         *documents],
        cwd=folder, env=environment(folder, _ALONE), capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("linter", _LINTERS)
def test_a_linter_has_nothing_to_report(linter: str, tmp_path: Path, api: Api) -> None:
    names = []
    for path in _DOCUMENTS:
        names.append(path.strip("/").replace("/", "-"))
        (tmp_path / names[-1]).write_text(httpx.get(f"{api.address}{path}", timeout=120).text)
    code, said = _lint(linter, tmp_path, *names)
    assert code == 0, said


@pytest.mark.parametrize("linter", _LINTERS)
def test_a_linter_fails_for_a_warning(linter: str, tmp_path: Path, api: Api) -> None:
    """An operation without an identifier, which both only warn of."""
    document: dict[str, Any] = httpx.get(f"{api.address}{_DOCUMENTS[0]}", timeout=120).json()
    del document["paths"]["/api/v1/me"]["get"]["operationId"]
    (tmp_path / "wrong.json").write_text(json.dumps(document))
    code, said = _lint(linter, tmp_path, "wrong.json")
    assert code == 1
    assert "operation-operationId" in said
