"""The documents of API keys."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from app.api.credits import GRANTED
from app.api.documents import Document
from app.api.management_documents import NO_LIMIT, PERIOD, Deed, credit_fields, limit_field
from app.api.parameters import TEXT, Instant, Whole, WholeOrNull
from app.db.api_keys import Key
from app.domain.accounts import Period
from app.domain.keys import ALL_SCOPES, MAX_ADDRESSES, Restrictions, Scope
from app.members.keys import IssuedKey, Revoked
from app.members.names import MAX_NAME_CHARS

_MOST_OVERLAP_SECONDS = 30 * 86_400


class _Restrictions(BaseModel):
    """What the key may do less than its member."""

    scopes: list[Scope] | None = Field(
        None, min_length=1, max_length=len(Scope),
        description="What it is for. `generate`: create and change. `read`: look. `team`: act for "
        "the whole team, as its administrator. `operate`: operate the gateway, as its operator. "
        "Null: everything.",
    )  # fmt: skip
    models: list[str] | None = Field(
        None, min_length=1, max_length=100, description="Models that it may use. Null: all."
    )
    addresses: list[str] | None = Field(
        None, min_length=1, max_length=MAX_ADDRESSES, examples=[["192.0.2.0/24"]],
        description="Addresses and networks from which it may be used. Null: all.",
    )  # fmt: skip
    rate_per_minute: WholeOrNull = limit_field("rate_per_minute", "Null: no rate of its own.")
    rate_burst: WholeOrNull = limit_field("rate_burst", "Null: as many as a minute has.")
    max_open: WholeOrNull = limit_field("max_open", "Null: no cap of its own.")

    def restricting(self, sent: Collection[str]) -> Callable[[Restrictions], Restrictions] | None:
        """What the restrictions become by the fields that were sent; None if none was."""
        fields = _Restrictions.model_fields.keys() & set(sent)
        if not fields:
            return None
        changes: dict[str, Any] = {name: getattr(self, name) for name in fields}
        for name in ("models", "addresses"):
            if changes.get(name) is not None:
                changes[name] = tuple(str(each) for each in changes[name])
        if "scopes" in changes:
            changes["scopes"] = tuple(changes["scopes"] or ALL_SCOPES)
        if "rate_per_minute" in changes and "rate_burst" not in changes:
            changes["rate_burst"] = None
        return lambda before: replace(before, **changes)


#: The fields of a key's restrictions, each of which may be null.
RESTRICTIONS = tuple(_Restrictions.model_fields)


class KeyRequest(Deed, _Restrictions):
    """A new key. What is left out is as its member's limits say."""

    name: str = Field("unnamed", min_length=1, max_length=MAX_NAME_CHARS, pattern=TEXT)
    expires_at: Instant | None = Field(None, description="Null: never.")
    credit_limit: WholeOrNull = limit_field("credit_limit", NO_LIMIT)
    credit_period: Period = Field(Period.NONE, description=PERIOD)


class KeyChange(Deed, _Restrictions):
    """Fields that are left out stay as they are."""

    credit_limit: WholeOrNull = limit_field("credit_limit", NO_LIMIT)
    credit_period: Period | None = Field(None, description=PERIOD)


class KeyRotation(Deed):
    overlap_seconds: Whole = Field(
        86_400, ge=0, le=_MOST_OVERLAP_SECONDS, description="How long the old key still works."
    )


class KeyRevocation(Deed):
    compromised: bool = Field(
        False, strict=True,
        description="Others have it: also disable the webhook endpoints that were set up with it, "
        "and replace its member's callback secret.",
    )  # fmt: skip


class MemberKeyDocument(Document):
    """A key of a member, without its secret."""

    object: Literal["key"]
    id: UUID
    team_id: UUID
    member_id: UUID
    prefix: str = Field(description="Its first characters, by which it is known.")
    name: str
    credit_limit: int | None = Field(description=NO_LIMIT)
    granted_credits: int = Field(description=GRANTED)
    credit_period: Period
    used_credits: int = Field(
        description="Settled and held ones of the present period. Keys that replaced each other "
        "share them."
    )
    settled_credits: int = Field(description="Spent.")
    held_credits: int = Field(description="Reserved for generations that have not ended.")
    remaining_credits: int | None = Field(
        description="What its own limit leaves. Those of its member and team may leave less. Null "
        "where it has none."
    )
    resets_at: datetime | None = Field(description="When the credits begin anew. Null: never.")
    scopes: list[Scope]
    models: list[str] | None = Field(description="Null: all.")
    addresses: list[str] | None = Field(description="Networks. Null: all.")
    rate_per_minute: int | None = Field(description="Null: no rate of its own.")
    rate_burst: int | None
    max_open: int | None = Field(description="Null: no cap of its own.")
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="As known a minute ago.")


class MemberKeyWithSecret(MemberKeyDocument):
    """A key with its secret, which is shown only once."""

    secret: str = Field(description="What requests send. Keep it: it is not shown again.")


class MemberKeyList(Document):
    object: Literal["list"]
    data: list[MemberKeyDocument]
    has_more: bool
    next_cursor: str | None


class TeamKeyDocument(MemberKeyDocument):
    """A key with the name of its member."""

    member: str
    state: str = Field(
        description="`active`, also a replaced one until its overlap ends; `expired`; `revoked`."
    )


class TeamKeyList(Document):
    """One page, oldest first."""

    object: Literal["list"]
    data: list[TeamKeyDocument]
    has_more: bool
    next_cursor: str | None


class RevokedKeyDocument(Document):
    key: MemberKeyDocument
    webhook_endpoints: list[UUID] = Field(
        description="Those that were set up with it: disabled if it was compromised, else they go "
        "on."
    )


class RevokedKeyList(Document):
    object: Literal["list"]
    data: list[RevokedKeyDocument]


def key_document(key: Key) -> MemberKeyDocument:
    may = key.restrictions
    return MemberKeyDocument(
        object="key", id=key.id, team_id=key.team_id, member_id=key.member_id, prefix=key.prefix,
        name=key.name, **credit_fields(key), scopes=list(may.scopes),
        models=may.models and list(may.models),
        addresses=may.addresses and list(may.addresses), rate_per_minute=may.rate_per_minute,
        rate_burst=may.rate_burst, max_open=may.max_open,
        created_at=key.created_at, expires_at=key.expires_at, revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
    )  # fmt: skip


def team_key_document(key: Key, *, now: datetime) -> TeamKeyDocument:
    ended = {"revoked": key.revoked_at, "expired": key.expires_at}
    state = next((name for name, at in ended.items() if at is not None and at <= now), "active")
    return TeamKeyDocument(**key_document(key).model_dump(), member=key.member_name, state=state)


def with_secret(issued: IssuedKey) -> MemberKeyWithSecret:
    return MemberKeyWithSecret(**key_document(issued.key).model_dump(), secret=issued.secret)


def revoked_document(revoked: Revoked) -> RevokedKeyDocument:
    return RevokedKeyDocument(
        key=key_document(revoked.key), webhook_endpoints=list(revoked.endpoints)
    )
