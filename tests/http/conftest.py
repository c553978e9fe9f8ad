"""A server for clients that hold on to connections."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.http import protocol
from app.http.protocol import BoundedProtocol
from tests.http.holding import Site


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every deadline is over in a moment. That of a head is a little longer: each test begins with
    one that has to come in time, also where the machine stands still."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 2.0)
    for name in ("REST_SECONDS", "KEEP_ALIVE_SECONDS", "STALL_SECONDS"):
        monkeypatch.setattr(protocol, name, 0.3)
    monkeypatch.setattr(BoundedProtocol, "_allowance", 0.3)
    monkeypatch.setattr(protocol, "LOOK_SECONDS", 0.05)


@pytest.fixture
async def site(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    """Its parameter are settings."""
    site = Site(tmp_path, getattr(request, "param", {}))
    await site.start()
    yield site
    await site.stop()
