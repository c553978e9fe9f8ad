"""Valid names of teams, members and keys."""

from __future__ import annotations

from app.errors import InvalidRequest, Issue

_LONGEST = 100


def check_name(field: str, name: str) -> None:
    """Raises `InvalidRequest` for a name that looks like another one on a screen."""
    if name != name.strip() or not name.isprintable() or not 1 <= len(name) <= _LONGEST:
        message = f"must have 1 to {_LONGEST} printable characters, and no space around them"
        raise InvalidRequest(
            f"{field} {message}; got {name[:_LONGEST]!r}.",
            issues=[Issue(field, "value", message, name[:_LONGEST])],
        )
