"""Inputs as the own REST shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from app.api.documents import Document
from app.domain.inputs import Input


class InputDocument(Document):
    """An uploaded image that videos can be made of."""

    id: UUID
    object: Literal["input"]
    member_id: UUID
    name: str = Field(description="The uploader's own name of the file.")
    content_type: str = Field(description="What the file really is.")
    size_bytes: int
    sha256: str = Field(description="Checksum of the file as it is kept, in hex.")
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    created_at: datetime
    expires_at: datetime = Field(
        description="It is deleted then, unless a generation is made of it: those keep their "
        "inputs as long as their videos."
    )


class InputList(Document):
    """One page, newest first."""

    object: Literal["list"]
    data: list[InputDocument]
    has_more: bool
    next_cursor: str | None = Field(
        description="Pass it as `cursor` to get the next page. Null: this is the last page."
    )


def input_document(found: Input) -> InputDocument:
    return InputDocument(
        id=found.id, object="input", member_id=found.member_id, name=found.name,
        content_type=found.content_type, size_bytes=found.size_bytes, sha256=found.sha256,
        width=found.width, height=found.height, created_at=found.created_at,
        expires_at=found.expires_at,
    )  # fmt: skip
