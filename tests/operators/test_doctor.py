"""`reelgate doctor`: what it finds, and what it says to do."""

from __future__ import annotations

import platform

import pytest

from app import __version__
from app.operators.doctor import examine
from app.settings import Settings
from tests.harness.gateway import Gateway


async def examined(gate: Gateway) -> dict[str, tuple[bool | None, str]]:
    findings = examine(gate.rt, gate.worker.upstream)
    return {found.name: (found.ok, found.detail) async for found in findings}


async def test_a_gateway_that_works_is_found_sound(gate: Gateway) -> None:
    found = await examined(gate)
    assert found["version"] == (True, f"{__version__} on Python {platform.python_version()}")
    assert list(found) == [
        "version", "database", "clock", "migrations", "worker", "temporary folder", "data folder",
        "archive", "upstream key main",
    ]  # fmt: skip
    archive = gate.rt.settings.archive_address
    assert found["archive"] == (True, f"{archive} writes, reads and deletes")
    assert [f for name, f in found.items() if name != "worker" and not f[0]] == []


async def test_a_name_that_is_no_setting_is_shown(
    gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REELGATE_PROT", "canary")
    rt = gate.worker
    rt.settings = Settings(_env_file=None, **rt.settings.model_dump())
    found = {f.name: (f.ok, f.detail) async for f in examine(rt, rt.upstream)}
    assert found["settings"] == (
        None, "REELGATE_PROT is set: no setting of Reelgate has this name: REELGATE_PORT is one"
    )  # fmt: skip
