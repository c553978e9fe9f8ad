"""The caller: an authenticated key with its member and team."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from app.domain.keys import UNRESTRICTED, Restrictions, Scope


class Role(StrEnum):
    ADMIN = "ADMIN"
    MEMBER = "MEMBER"


class Status(StrEnum):
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The limits are the member's; `restrictions` are the key's. `key_prefix` is the beginning of
    the key, which identifies it and is no secret. `session_id` is of the signed-in browser that
    acts with the key; None where the key itself was sent."""

    key_id: UUID
    key_prefix: str
    member_id: UUID
    team_id: UUID
    name: str
    team_name: str
    role: Role
    status: Status
    credit_limit: int
    rate_per_minute: int
    rate_burst: int
    max_open: int
    created_at: datetime
    updated_at: datetime
    restrictions: Restrictions = UNRESTRICTED
    #: Of the rows that this was read from: changes with each of them.
    version: str | None = None
    session_id: UUID | None = None

    @property
    def lasts_with(self) -> UUID:
        """What must stay valid for an open stream, wait or download of the caller: its session, or
        else its key."""
        return self.session_id or self.key_id

    @property
    def actor(self) -> str:
        """As the audit log names it."""
        return f"{self.team_name}/{self.name}"

    @property
    def is_admin(self) -> bool:
        """Whether this key may act for the whole team."""
        return self.role is Role.ADMIN and self.has(Scope.TEAM)

    def has(self, *scopes: Scope) -> bool:
        """Whether the key is for any of these."""
        return any(scope in self.restrictions.scopes for scope in scopes)


class SentKey(Protocol):
    """A key that came with a request, before anybody has looked whose it is."""

    @property
    def digest(self) -> bytes:
        """Its SHA-256."""

    def verified(self, caller: Caller | None) -> Caller:
        """`caller` is who has it, as the database says. Raises what keeps it from being used: until
        then, nothing that was found for the caller may be shown."""
