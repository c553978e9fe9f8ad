"""Valid names of teams, members and keys."""

from __future__ import annotations

from app.errors import InvalidRequest, Issue

MAX_NAME_CHARS = 100


def check_name(field: str, name: str) -> None:
    """Raises `InvalidRequest` for a name that looks like another one on a screen."""
    if name != name.strip() or not name.isprintable() or not 1 <= len(name) <= MAX_NAME_CHARS:
        message = f"must have 1 to {MAX_NAME_CHARS} printable characters, and no space around them"
        raise InvalidRequest(issues=[Issue(field, "value", message, name[:MAX_NAME_CHARS])])


def taken(field: str, name: str, message: str) -> InvalidRequest:
    return InvalidRequest(message, issues=[Issue(field, "value", "is taken", name)])
