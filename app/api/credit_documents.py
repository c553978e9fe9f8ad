"""What events and webhooks say of credits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.api.documents import Document
from app.api.notice_documents import NoticeDocument, notice_document
from app.domain.accounts import AccountKind
from app.domain.credit_requests import RequestState
from app.domain.notices import notice_from
from app.domain.webhooks import WebhookEvent


class CreditRequestDocument(Document):
    """A request of a member for more credits."""

    object: Literal["credit_request"] = "credit_request"
    id: UUID
    state: RequestState
    account: AccountKind = Field(description="Whose account it is: the member's, or a key's.")
    team_id: UUID
    team: str
    member_id: UUID
    member: str
    key_id: UUID | None = Field(description="Null for the member's own account.")
    key_prefix: str | None = Field(description="The key's first characters.")
    credits: int = Field(description="How many were asked for.")
    reason: str = Field(description="Why they were asked for.")
    ends_at: datetime | None = Field(
        description="Until when they were asked for. Null: the end of the account's period."
    )
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None = Field(
        description="Who granted, refused or withdrew it: `team/member`, or a person at the "
        "command line."
    )
    decision: str | None = Field(description="The reason given for that.")
    grant_id: UUID | None
    granted_credits: int | None = Field(description="May be other than was asked for.")
    granted_until: datetime | None = Field(description="Null: for ever, or nothing was granted.")


def credit_document(
    event: str, content: Mapping[str, Any]
) -> tuple[str, NoticeDocument | CreditRequestDocument]:
    """The name and the document of what an event about credits is about."""
    if event == WebhookEvent.THRESHOLD:
        return "notice", notice_document(notice_from(content))
    return "credit_request", CreditRequestDocument.model_validate(content)
