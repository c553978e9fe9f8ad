"""Parses and formats the ids of generations and webhook endpoints. Pure."""

from __future__ import annotations

import re
from uuid import UUID

#: The prefixes of the OpenAI dialect, before 32 hex digits.
VIDEO_PREFIX = "video_"
WEBHOOK_PREFIX = "whe_"

_FORM = re.compile(
    r"([0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})", re.IGNORECASE
)


def parse_generation_id(text: str) -> UUID | None:
    """Accepts the formats of all dialects: hyphenated or 32 hex digits, with or without
    `video_`."""
    return _parse(text, VIDEO_PREFIX)


def parse_webhook_id(text: str) -> UUID | None:
    """Like `parse_generation_id`, with or without `whe_`."""
    return _parse(text, WEBHOOK_PREFIX)


def _parse(text: str, prefix: str) -> UUID | None:
    digits = text[len(prefix) :] if text[: len(prefix)].lower() == prefix else text
    return UUID(digits) if _FORM.fullmatch(digits) else None


def video_id(generation_id: UUID) -> str:
    return f"{VIDEO_PREFIX}{generation_id.hex}"


def webhook_id(endpoint_id: UUID) -> str:
    return f"{WEBHOOK_PREFIX}{endpoint_id.hex}"
