"""Parses and formats generation ids. Pure."""

from __future__ import annotations

import re
from uuid import UUID

#: The prefix of the OpenAI dialect, before 32 hex digits.
VIDEO_PREFIX = "video_"

_FORM = re.compile(
    rf"(?:{VIDEO_PREFIX})?"
    r"([0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})",
    re.IGNORECASE,
)


def parse_generation_id(text: str) -> UUID | None:
    """Accepts the formats of all dialects: hyphenated or 32 hex digits, with or without
    `video_`."""
    found = _FORM.fullmatch(text)
    return UUID(found[1]) if found else None


def video_id(generation_id: UUID) -> str:
    return f"{VIDEO_PREFIX}{generation_id.hex}"
