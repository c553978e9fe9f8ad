"""Clocks that a test moves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app.runtime import Clock


class HandClock(Clock):
    """A clock that moves only by `move`. It starts at the present, so that links signed by the
    simulator are valid."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def now(self) -> datetime:
        return self.at

    def for_database(self) -> datetime | None:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class LoopTime:
    """The running loop's clock, which a test can also move ahead. Timers that become due fire in
    the loop's next iteration."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop, self._ahead = asyncio.get_running_loop(), 0.0
        original = loop.time
        monkeypatch.setattr(loop, "time", lambda: original() + self._ahead)

    def move(self, seconds: float) -> None:
        self._ahead += seconds
