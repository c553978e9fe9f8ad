"""The audit log, for operators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from app.api.documents import Document
from app.api.parameters import TEXT, Instant, refusals
from app.db import audit
from app.http.access import Operator, Rt

router = APIRouter(prefix="/admin", tags=["admin"])


class AuditLineDocument(Document):
    """One change. `team`, `member`, `key_prefix` and `address` are those of the request that made
    it; null if it was not made by a request."""

    id: int
    created_at: datetime
    actor: str = Field(
        description="`team/member`, or `cli:` and the person at the command line, or the gateway "
        "itself in words."
    )
    action: str
    subject: str
    team: str | None
    member: str | None
    key_prefix: str | None
    address: str | None
    detail: dict[str, Any]


class AuditList(Document):
    data: list[AuditLineDocument]
    has_more: bool
    next_cursor: str | None


@router.get("/audit", name="list_audit", responses=refusals(422))
async def list_audit(
    rt: Rt,
    _operator: Operator,
    since: Annotated[Instant | None, Query(description="At or after.")] = None,
    until: Annotated[Instant | None, Query(description="Before.")] = None,
    member: Annotated[
        str | None,
        Query(pattern=TEXT, description="`team/member`: what it did, or was done to it."),
    ] = None,
    action: Annotated[
        str | None,
        Query(pattern=TEXT, description="An action, `key.revoke`, or its family, `key`."),
    ] = None,
    cursor: Annotated[
        str | None,
        Query(pattern=r"^[0-9]{1,18}$", description="`next_cursor` of the previous page."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Lines per page.")] = 50,
) -> AuditList:
    """Lists changes and who made them, newest first. Lines are never changed or deleted."""
    async with rt.db.single() as tx:
        found = await audit.lines(
            tx,
            since=since,
            until=until,
            member=member,
            action=action,
            before=None if cursor is None else int(cursor),
            limit=limit + 1,
        )
    page, has_more = found[:limit], len(found) > limit
    return AuditList(
        data=[
            AuditLineDocument(
                id=line.id, created_at=line.created_at, actor=line.actor, action=line.action,
                subject=line.subject, team=line.team, member=line.member,
                key_prefix=line.key_prefix, address=line.address, detail=dict(line.detail),
            )
            for line in page
        ],
        has_more=has_more,
        next_cursor=str(page[-1].id) if has_more else None,
    )  # fmt: skip
