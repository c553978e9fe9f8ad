"""The document of a notice: in lists, events and webhooks."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from pydantic import Field

from app.api.credits import AccountDocument, account_fields
from app.api.documents import Document
from app.domain.accounts import AccountKind
from app.domain.notices import Notice


class NamedDocument(Document):
    id: UUID
    name: str


class NamedKeyDocument(NamedDocument):
    prefix: str = Field(description="Its first characters.")


class NoticeDocument(AccountDocument):
    """An account has reached so many percent of its limit, and of what is granted to it. It is told
    once in a period. The figures are those of that moment."""

    object: str = "budget_notice"
    id: UUID
    percent: int = Field(
        description="How much of its limit is used, at least. 100 also when the limit has refused "
        "a request for which too little was left."
    )
    account: AccountKind = Field(description="Whose account it is.")
    team: NamedDocument
    member: NamedDocument | None = Field(description="Null for the account of a team.")
    key: NamedKeyDocument | None = Field(description="Null but for the account of a key.")
    created_at: datetime


def notice_document(notice: Notice) -> NoticeDocument:
    return NoticeDocument(
        **account_fields(notice.account),
        id=notice.id,
        percent=notice.percent,
        team=NamedDocument(**asdict(notice.team)),
        member=notice.member and NamedDocument(**asdict(notice.member)),
        key=notice.key and NamedKeyDocument(**asdict(notice.key)),
        created_at=notice.created_at,
    )
