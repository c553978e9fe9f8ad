"""The `Prefer` header of RFC 7240, for the preferences about waiting. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WAIT = re.compile(r"^wait\s*=\s*\"?(\d{1,6})\"?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Preference:
    """`wait_seconds` is None if the caller gave no limit."""

    respond_async: bool = False
    wait_seconds: float | None = None

    def applied(self, wait_seconds: float) -> str:
        """`Preference-Applied` for a wait of at most `wait_seconds`; empty if nothing was
        preferred."""
        parts = ["respond-async"] if self.respond_async else []
        if self.wait_seconds is not None:
            parts.append(f"wait={wait_seconds:g}")
        return ", ".join(parts)


def parse_prefer(headers: list[str]) -> Preference:
    """Ignores unknown preferences, as the RFC requires."""
    respond_async, wait = False, None
    for token in ",".join(headers).split(","):
        stated = token.split(";")[0].strip()
        if stated.lower() == "respond-async":
            respond_async = True
        elif (found := _WAIT.match(stated)) and wait is None:
            wait = float(found[1])
    return Preference(respond_async, wait)
