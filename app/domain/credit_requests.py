"""Requests of members for more credits. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.domain.accounts import AccountKind


class RequestState(StrEnum):
    """A member has at most one open request. Every other state is an end."""

    OPEN = "open"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditRequest:
    """`account` is the member's own or that of a key, the newest of which `key_id` and `key_prefix`
    name. `ends_at` is until when the member asked for the credits; None: until the period of the
    account ends, or for ever where it has none. Of a granted one, `granted_credits` and
    `granted_until` are those of the grant, which may differ; `granted_until` None: for ever."""

    id: UUID
    state: RequestState
    account: AccountKind
    team_id: UUID
    team: str
    member_id: UUID
    member: str
    key_id: UUID | None
    key_prefix: str | None
    credits: int
    reason: str
    ends_at: datetime | None
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    decision: str | None
    grant_id: UUID | None
    granted_credits: int | None
    granted_until: datetime | None
