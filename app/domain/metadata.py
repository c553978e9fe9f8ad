"""The metadata of a generation: its caller's own tags, such as a cost centre. Pure.

The bounds are those of `metadata` in OpenAI's APIs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.domain.text import is_storable, shown
from app.errors import InvalidRequest, Issue, Rejections, summary

MAX_TAGS = 16
MAX_KEY_CHARS = 64
MAX_VALUE_CHARS = 512
#: Tags of any create, for clients that cannot add a field to the body, and for what they send with
#: every request. As JSON, because a structured field (RFC 9651) has no keys with capital letters.
HEADER = "Reelgate-Metadata"


def check_metadata(value: Any, path: str, issues: Rejections) -> dict[str, str]:
    """The tags of an object. What is wrong with it is added to `issues`."""
    if not isinstance(value, dict):
        issues.add(
            path, "type", "must be a JSON object whose values are strings", value=shown(value)
        )
        return {}
    if len(value) > MAX_TAGS:
        issues.add(path, "value", f"must have at most {MAX_TAGS} keys", value=len(value))
        return {}
    for key, tag in value.items():
        check_key(key, path, issues)
        place = f"{path}.{shown(key)}"
        if not isinstance(tag, str):
            issues.add(place, "type", "must be a string", value=shown(tag))
        else:
            _check_text(tag, place, issues, most=MAX_VALUE_CHARS)
    return value


def check_key(key: str, path: str, issues: Rejections) -> None:
    if key:
        _check_text(key, path, issues, most=MAX_KEY_CHARS, what="a key ")
    else:
        issues.add(path, "value", "a key must not be empty", value=key)


def missing_tags(keys: Iterable[str]) -> InvalidRequest:
    """The error for tags that a team requires."""
    message = f"your team requires this tag; send it in metadata, or in the header {HEADER}"
    issues = [Issue(f"metadata.{shown(key)}", "missing", message) for key in keys]
    return InvalidRequest(summary(issues), issues=issues)


def _check_text(text: str, path: str, issues: Rejections, *, most: int, what: str = "") -> None:
    if len(text) > most:
        issues.add(path, "value", f"{what}must be at most {most} characters long, "
                   f"this is {len(text)}", value=shown(text))  # fmt: skip
    elif not is_storable(text):
        issues.add(path, "value", f"{what}must not contain NUL or unpaired surrogate characters",
                   value=shown(text))  # fmt: skip
