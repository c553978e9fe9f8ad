"""`reelgate doctor`: what it finds, and what it says to do."""

from __future__ import annotations

import platform

from app import __version__
from app.operators.doctor import examine
from tests.harness.gateway import Gateway


async def findings(gate: Gateway) -> dict[str, tuple[bool | None, str]]:
    return {found.name: (found.ok, found.detail) async for found in examine(gate.rt)}


async def test_a_gateway_that_works_is_found_sound(gate: Gateway) -> None:
    found = await findings(gate)
    assert found["version"] == (True, f"{__version__} on Python {platform.python_version()}")
    assert list(found) == [
        "version", "database", "migrations", "clock", "worker", "archive", "upstream key main",
    ]  # fmt: skip
    assert {ok for name, (ok, _) in found.items() if name != "worker"} == {True}
