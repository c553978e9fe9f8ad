"""The documents of API keys."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from app.api.documents import Document
from app.api.management_documents import NO_LIMIT, PERIOD, Deed, limit_field
from app.api.parameters import TEXT, Instant, Whole, WholeOrNull
from app.db.api_keys import Key
from app.domain.accounts import Period
from app.members.keys import IssuedKey, Revoked
from app.members.names import MAX_NAME_CHARS

_MOST_OVERLAP_SECONDS = 30 * 86_400


class KeyRequest(Deed):
    """A new key."""

    name: str = Field("unnamed", min_length=1, max_length=MAX_NAME_CHARS, pattern=TEXT)
    expires_at: Instant | None = Field(None, description="Null: never.")
    credit_limit: WholeOrNull = limit_field("credit_limit", NO_LIMIT)
    credit_period: Period = Field(Period.NONE, description=PERIOD)


class KeyChange(Deed):
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
    credit_period: Period
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
    return MemberKeyDocument(
        object="key", id=key.id, team_id=key.team_id, member_id=key.member_id, prefix=key.prefix,
        name=key.name, credit_limit=key.credit_limit, credit_period=key.credit_period,
        created_at=key.created_at, expires_at=key.expires_at, revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
    )  # fmt: skip


def with_secret(issued: IssuedKey) -> MemberKeyWithSecret:
    return MemberKeyWithSecret(**key_document(issued.key).model_dump(), secret=issued.secret)


def revoked_document(revoked: Revoked) -> RevokedKeyDocument:
    return RevokedKeyDocument(
        key=key_document(revoked.key), webhook_endpoints=list(revoked.endpoints)
    )
