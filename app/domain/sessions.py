"""A signed-in browser of a member. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Method(StrEnum):
    """How a person signed in."""

    KEY = "key"
    LINK = "link"
    OIDC = "oidc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """It acts with a key, whose digest is what the rest of the gateway knows the caller by.
    `recent_auth_at` is when the person last proved who it is."""

    id: UUID
    key_id: UUID
    key_prefix: str
    key_digest: bytes = field(repr=False)
    recent_auth_at: datetime
