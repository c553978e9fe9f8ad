"""The cursor of a list: an opaque form of (created_at, id). Pure."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from uuid import UUID

from app.errors import InvalidRequest, Issue

PagePosition = tuple[datetime, UUID]


def write(position: PagePosition) -> str:
    created_at, generation_id = position
    plain = f"{created_at.isoformat()}|{generation_id}"
    return base64.urlsafe_b64encode(plain.encode()).rstrip(b"=").decode()


def read(cursor: str) -> PagePosition:
    """Raises `InvalidRequest` for anything that `write` did not produce."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        stamp, _, generation_id = base64.urlsafe_b64decode(padded).decode().partition("|")
        moment = datetime.fromisoformat(stamp)
        if moment.tzinfo is None:
            raise ValueError(stamp)
        return moment, UUID(generation_id)
    except (ValueError, binascii.Error):
        message = "is not a cursor of this list"
        raise InvalidRequest(
            f"cursor {message}.", issues=[Issue("cursor", "value", message)]
        ) from None
