"""Values from outside, as errors may show them and as rows may keep them. Pure."""

from __future__ import annotations

import math
from typing import Any

from app.errors import Rejections

#: Most upstream pages document no limit for prompts. This one limits the size of rows and log
#: lines.
MAX_PROMPT_CHARS = 32_000
MAX_END_USER_CHARS = 256
_SHOWN_BITS = 256


def shown(value: Any) -> Any:
    """A value as errors may show it: short, and never a nested document."""
    if isinstance(value, str):
        short = value if len(value) <= 80 else value[:77] + "..."
        return short.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\\u0000")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and value.bit_length() > _SHOWN_BITS:
        return "(a very large number)"
    if value is None or isinstance(value, bool | int | float):
        return value
    return f"({type(value).__name__})"


def check_text(
    value: Any, path: str, issues: Rejections, *, most: int = MAX_PROMPT_CHARS
) -> str | None:
    """The text if it is valid: not empty, at most `most` characters, and storable. Otherwise None,
    and the issue is added at `path`."""
    if not isinstance(value, str):
        issues.add(path, "type", "must be a string", value=shown(value))
    elif not value.strip():
        issues.add(path, "value", "must not be empty", value=shown(value))
    elif len(value) > most:
        issues.add(path, "value", f"must be at most {most} characters long, "
                   f"this is {len(value)}", value=shown(value))  # fmt: skip
    elif not is_storable(value):
        issues.add(path, "value", "must not contain NUL or unpaired surrogate characters",
                   value=shown(value))  # fmt: skip
    else:
        return value
    return None


def is_storable(text: str) -> bool:
    """Whether Postgres can store it, and UTF-8 can say it."""
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)
