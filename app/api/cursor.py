"""Pages of a list, and the cursor between them: an opaque form of (created_at, id). Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
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
_Id = TypeVar("_Id", UUID, int)


def page_of(
    found: Sequence[_Row], *, limit: int, looked_to: PagePosition | None = None
) -> tuple[Sequence[_Row], str | None]:
    """The page, and the cursor of the next one, which is None if this is the last. `found` was read
    one row further than `limit`. A search that ended before it had looked at all goes on after
    `looked_to`."""
    page = found[:limit]
    if len(found) <= limit:
        return page, looked_to and write(looked_to)
    return page, write((page[-1].created_at, page[-1].id))


def write(position: tuple[datetime, UUID | int]) -> str:
    created_at, row_id = position
    plain = f"{created_at.isoformat()}|{row_id}"
    return base64.urlsafe_b64encode(plain.encode()).rstrip(b"=").decode()


def read(cursor: str | None) -> PagePosition | None:
    """None for the first page, which has no cursor. Raises `InvalidRequest` for anything that
    `write` did not produce."""
    return _read(cursor, UUID)


def read_numbered(cursor: str | None) -> tuple[datetime, int] | None:
    """The same, for a list whose rows are numbered."""
    return _read(cursor, _number)


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise ValueError(text)
    return int(text)


def _read(cursor: str | None, id_of: Callable[[str], _Id]) -> tuple[datetime, _Id] | None:
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        stamp, _, row_id = base64.urlsafe_b64decode(padded).decode().partition("|")
        moment = datetime.fromisoformat(stamp)
        if moment.tzinfo is None:
            raise ValueError(stamp)
        return moment, id_of(row_id)
    except (ValueError, binascii.Error):
        message = "is not a cursor of this list"
        raise InvalidRequest(
            f"cursor {message}.", issues=[Issue("cursor", "value", message)]
        ) from None
