"""The audit log: for operators all of it, for administrators what is about their team."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import StreamingResponse

from app.api import cursor as cursors
from app.api.documents import Document
from app.api.parameters import TEXT, Cursor, Instant, refusals
from app.db.audit import AuditLine, Wanted
from app.http.access import Manager, ReadLimited, Rt
from app.operators import audit

router = APIRouter(prefix="/admin/audit", tags=["admin"])

#: How much of an export is sent at once.
_CHUNK_CHARS = 32_768


class AuditLineDocument(Document):
    """One change. `team`, `member`, `key_prefix` and `address` are those of the request that made
    it; null if it was not made by a request, and for administrators if somebody outside of their
    team made it."""

    id: int
    created_at: datetime
    actor: str = Field(
        description="`team/member`, or `cli:` and the person at the command line, or the gateway "
        "itself in words."
    )
    action: str
    subject: str
    team_id: UUID | None = Field(description="The team that it is about. Null: none.")
    team: str | None
    member: str | None
    key_prefix: str | None
    address: str | None
    detail: dict[str, Any]


class AuditList(Document):
    data: list[AuditLineDocument]
    has_more: bool
    next_cursor: str | None


def _wanted(
    team_id: Annotated[UUID | None, Query(description="About this team.")] = None,
    actor: Annotated[
        str | None, Query(pattern=TEXT, description="Done by this one, as lines name it.")
    ] = None,
    member: Annotated[
        str | None,
        Query(pattern=TEXT, description="`team/member`: what it did, or was done to it."),
    ] = None,
    action: Annotated[
        str | None,
        Query(pattern=TEXT, description="An action, `key.revoke`, or its family, `key`."),
    ] = None,
    subject: Annotated[
        str | None,
        Query(pattern=TEXT, description="Done to this one: a name or an id, as lines have it."),
    ] = None,
    since: Annotated[Instant | None, Query(description="At or after.")] = None,
    until: Annotated[Instant | None, Query(description="Before.")] = None,
) -> Wanted:
    return Wanted(
        team_id=team_id, actor=actor, member=member, action=action, subject=subject, since=since,
        until=until,
    )  # fmt: skip


Filter = Annotated[Wanted, Depends(_wanted)]


@router.get("", name="list_audit", responses=refusals(422, 429))
async def list_audit(
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    wanted: Filter,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Lines per page.")] = 50,
) -> AuditList:
    """Lists changes and who made them, newest first. Lines are never changed or deleted.
    Administrators of a team see what is about their team."""
    after = cursors.read_numbered(cursor)
    found = await audit.list_lines(rt, wanted, actor=actor, after=after, limit=limit + 1)
    page, has_more = found[:limit], len(found) > limit
    return AuditList(
        data=[_document(line) for line in page],
        has_more=has_more,
        next_cursor=cursors.write((page[-1].created_at, page[-1].id)) if has_more else None,
    )


_EXPORTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The lines. If the transfer ends early, it was not complete.",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    },
    **refusals(422, 429),
}


@router.get("/export", name="export_audit", response_class=StreamingResponse, responses=_EXPORTED)
async def export_audit(
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    wanted: Filter,
    format: Annotated[  # noqa: A002 - the name of the parameter
        Literal["ndjson", "csv"],
        Query(description="`csv`: a table; a cell that would be a formula begins with an "
              "apostrophe. `ndjson`: one object on each line."),
    ] = "ndjson",
) -> StreamingResponse:  # fmt: skip
    """Returns all lines that match, newest first, as they are read."""
    lines = audit.all_lines(rt, wanted, actor=actor)
    written = _csv(lines) if format == "csv" else _ndjson(lines)
    media = "text/csv" if format == "csv" else "application/x-ndjson"
    name = f"audit.{format}"
    return StreamingResponse(
        _in_chunks(written),
        media_type=media,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _csv(lines: AsyncIterator[AuditLine]) -> AsyncIterator[str]:
    yield audit.as_csv([audit.COLUMNS])
    async for line in lines:
        yield audit.as_csv([audit.cells(line)])


async def _ndjson(lines: AsyncIterator[AuditLine]) -> AsyncIterator[str]:
    async for line in lines:
        yield audit.as_json(line) + "\n"


async def _in_chunks(written: AsyncIterator[str]) -> AsyncIterator[str]:
    chunk: list[str] = []
    size = 0
    async for each in written:
        chunk.append(each)
        size += len(each)
        if size >= _CHUNK_CHARS:
            yield "".join(chunk)
            chunk, size = [], 0
    yield "".join(chunk)


def _document(line: AuditLine) -> AuditLineDocument:
    return AuditLineDocument(
        id=line.id, created_at=line.created_at, actor=line.actor, action=line.action,
        subject=line.subject, team_id=line.team_id, team=line.team, member=line.member,
        key_prefix=line.key_prefix, address=line.address, detail=dict(line.detail),
    )  # fmt: skip
