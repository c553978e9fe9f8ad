"""When what was away, as the saboteur knows it: the excuses an answer may have."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Window:
    """`orderly`: a SIGTERM, after which requests in flight still get their answer."""

    begin: float
    end: float = float("inf")
    orderly: bool = False


@dataclass(slots=True)
class Outages:
    """Windows by name: `postgres`, `archive`, `admission`, `api-<n>`. Times are monotonic."""

    windows: dict[str, list[Window]] = field(default_factory=dict)

    def begin(self, name: str, *, orderly: bool = False) -> Window:
        window = Window(time.monotonic(), orderly=orderly)
        self.windows.setdefault(name, []).append(window)
        return window

    @staticmethod
    def end(window: Window) -> None:
        window.end = time.monotonic()

    def met(self, name: str, begin: float, end: float, *, grace: float) -> list[Window]:
        """The windows of this name that touch the time between, or ended `grace` before it."""
        return [
            window
            for window in self.windows.get(name, ())
            if window.begin <= end and begin <= window.end + grace
        ]

    def seconds(self, name: str) -> float:
        now = time.monotonic()
        return sum(min(each.end, now) - each.begin for each in self.windows.get(name, ()))
