from __future__ import annotations

import pytest

from app.worker import archiving


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker takes its next try at a video in an hour: until then only the test takes one."""
    monkeypatch.setattr(archiving, "_FIRST_RETRY_SECONDS", 3600.0)
