"""The `Prefer` header of RFC 7240, as far as waiting goes. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WAIT = re.compile(r"^wait\s*=\s*\"?(\d{1,6})\"?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Preference:
    """`wait_seconds` None: no bound was asked for."""

    respond_async: bool = False
    wait_seconds: float | None = None

    def applied(self, longest_seconds: float) -> str:
        """What `Preference-Applied` says; empty where nothing was asked."""
        parts = ["respond-async"] if self.respond_async else []
        if self.wait_seconds is not None:
            parts.append(f"wait={self.patience(longest_seconds):g}")
        return ", ".join(parts)

    def patience(self, longest_seconds: float) -> float:
        """Seconds to wait. `respond-async` alone does not wait; with both, the wait comes first."""
        if self.wait_seconds is not None:
            return min(self.wait_seconds, longest_seconds)
        return 0.0 if self.respond_async else longest_seconds


def parse_prefer(headers: list[str]) -> Preference:
    """Preferences that are not understood are ignored, as the RFC asks."""
    respond_async, wait = False, None
    for token in ",".join(headers).split(","):
        stated = token.split(";")[0].strip()
        if stated.lower() == "respond-async":
            respond_async = True
        elif (found := _WAIT.match(stated)) and wait is None:
            wait = float(found[1])
    return Preference(respond_async, wait)
