"""Time that a test moves by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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
