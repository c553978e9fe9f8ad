"""Pages of a list, and the cursor between them: an opaque form of (created_at, id). Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from app.errors import InvalidRequest, Issue

PagePosition = tuple[datetime, UUID]


class Listed(Protocol):
    """What lists have in the order of its creation."""

    @property
    def created_at(self) -> datetime: ...

    @property
    def id(self) -> UUID: ...


_Row = TypeVar("_Row", bound=Listed)


def page_of(found: Sequence[_Row], *, limit: int) -> tuple[Sequence[_Row], str | None]:
    """The page, and the cursor of the next one, which is None if this is the last. `found` was read
    one row further than `limit`."""
    page = found[:limit]
    if len(found) <= limit:
        return page, None
    return page, write((page[-1].created_at, page[-1].id))


def write(position: PagePosition) -> str:
    created_at, generation_id = position
    plain = f"{created_at.isoformat()}|{generation_id}"
    return base64.urlsafe_b64encode(plain.encode()).rstrip(b"=").decode()


def read(cursor: str | None) -> PagePosition | None:
    """None for the first page, which has no cursor. Raises `InvalidRequest` for anything that
    `write` did not produce."""
    if cursor is None:
        return None
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
