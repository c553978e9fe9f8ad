"""Notices that a caller may see: of its own accounts, or of its team's."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from app.api import cursor as cursors
from app.api.documents import Document
from app.api.notice_documents import NoticeDocument, notice_document
from app.api.parameters import Cursor, refusals
from app.db import notices
from app.errors import Forbidden
from app.http.access import ReadLimited, Rt

router = APIRouter(tags=["account"])


class NoticeList(Document):
    object: Literal["list"]
    data: list[NoticeDocument]
    has_more: bool
    next_cursor: str | None


@router.get("/notices", name="list_notices", responses=refusals(403, 422, 429))
async def list_notices(
    rt: Rt,
    caller: ReadLimited,
    team: Annotated[
        bool,
        Query(description="Of the team's account and of everybody in it; administrators only."),
    ] = False,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Notices per page.")] = 20,
) -> NoticeList:
    """Lists what your accounts have reached of their credit limits in their present periods, newest
    first: of your own and of your keys."""
    if team and not caller.is_admin:
        raise Forbidden("Only an administrator of the team may see the team's notices.")
    async with rt.db.single() as tx:
        found = await notices.list_present(
            tx,
            team_id=caller.team_id,
            member_id=None if team else caller.member_id,
            now=rt.clock.for_database(),
            after=cursors.read(cursor),
            limit=limit + 1,
        )
    page, next_cursor = cursors.page_of(found, limit=limit)
    return NoticeList(
        object="list",
        data=[notice_document(notice) for notice in page],
        has_more=next_cursor is not None,
        next_cursor=next_cursor,
    )
