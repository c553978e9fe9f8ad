"""Time that a test moves by hand."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app.runtime import Clock


class HandClock(Clock):
    """Stands still until it is moved. It begins now, so that links the simulator signs are good."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def now(self) -> datetime:
        return self.at

    def for_database(self) -> datetime | None:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class LoopTime:
    """The time of the running loop, which goes on by itself and by hand: what was to end in the
    seconds that are skipped ends at the loop's next turn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop, self._ahead = asyncio.get_running_loop(), 0.0
        really = loop.time
        monkeypatch.setattr(loop, "time", lambda: really() + self._ahead)

    def move(self, seconds: float) -> None:
        self._ahead += seconds
