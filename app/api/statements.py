"""Statements: what a team spent in a calendar month, for operators and its administrators."""

from __future__ import annotations

import base64
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from app.api.documents import Document
from app.api.management_documents import Deed
from app.api.parameters import TeamId, refusals
from app.billing import statements
from app.domain.metadata import MAX_KEY_CHARS
from app.domain.statements import (
    MONTH,
    GroupBy,
    Kind,
    Line,
    Statement,
    Total,
    first_day,
    month_of,
)
from app.http.access import Manager, ReadLimited, Rt
from app.http.after_commit import after_commit
from app.http.bodies import BoundedRoute

router = APIRouter(
    prefix="/admin/teams/{team_id}/statements", tags=["admin"], route_class=BoundedRoute
)

_EXAMPLE = ["2026-03"]
Month = Annotated[str, Path(pattern=MONTH, description="A month.", examples=_EXAMPLE)]
#: Where a list of what never changes goes on.
Place = Annotated[
    str | None, Query(pattern=r"^[0-9]{1,18}$", description="`next_cursor` of the previous page.")
]


class StatementRequest(Deed):
    """The month to close, in the team's time zone."""

    month: str = Field(pattern=MONTH, examples=_EXAMPLE)


class StatementDocument(Document):
    """What a team spent in a calendar month. It never changes: what is settled or corrected after
    the month was closed is in the next statement, marked with the month that it belongs to."""

    object: Literal["statement"]
    id: UUID
    team_id: UUID
    month: str
    time_zone: str = Field(description="In which the month was closed.")
    ends_at: datetime = Field(description="The end of the month.")
    closed_at: datetime
    actor: str = Field(description="Who closed it.")
    lines: int = Field(description="Entries of the ledger that cost something, or corrected it.")
    credits: int = Field(description="What they add up to.")
    earlier_credits: int = Field(description="Of `credits`, what belongs to months before.")
    unknown_generations: int = Field(description="Of which nobody knew then what became of them.")
    unknown_credits: int = Field(description="What they held; not in `credits`.")
    open_generations: int = Field(description="That had not ended then.")
    open_credits: int = Field(description="What they held; not in `credits`.")
    csv_bytes: int
    csv_sha256: str = Field(description="Checksum of the CSV, in hex.")


class StatementList(Document):
    object: Literal["list"]
    data: list[StatementDocument]
    has_more: bool
    next_cursor: str | None


class StatementLineDocument(Document):
    """An entry of the ledger. Names are those that the member and the key had then."""

    generation_id: UUID
    day: date = Field(description="On which the generation was created, in the time zone.")
    month: str = Field(description="The month that it belongs to.")
    member_id: UUID
    member: str
    key_id: UUID
    key: str
    key_prefix: str
    model: str
    tags: dict[str, str]
    kind: Kind = Field(
        description="`settle`: what a generation cost. `correct`: a correction of that. `unknown` "
        "and `open`: what was held when the month was closed."
    )
    credits: int = Field(description="Negative if a correction gave credits back.")
    held_credits: int


class StatementLineList(Document):
    object: Literal["list"]
    data: list[StatementLineDocument]
    has_more: bool
    next_cursor: str | None


class StatementTotalDocument(Document):
    """The sum of the lines with one value."""

    value: str | None = Field(
        description="The name of the member, the prefix of the key, the model, the month, or the "
        "value of the tag. Null: those without the tag."
    )
    id: UUID | None = Field(description="Of the member or the key.")
    lines: int
    credits: int
    held_credits: int


class StatementTotalList(Document):
    object: Literal["list"]
    data: list[StatementTotalDocument]
    has_more: bool
    next_cursor: str | None


_CLOSED: dict[int | str, dict[str, Any]] = {
    200: {"description": "It was closed before.", "model": StatementDocument}
}
_CSV: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A line for each entry of the ledger. The credits add up to `credits`.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    }
}


@router.get("", name="list_statements", responses=refusals(404, 422, 429))
async def list_statements(
    team_id: TeamId,
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    cursor: Annotated[
        str | None, Query(pattern=MONTH, description="`next_cursor` of the previous page.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Statements per page.")] = 50,
) -> StatementList:
    """Lists the statements of a team, in the order of their months."""
    after = None if cursor is None else first_day(cursor)
    found = await statements.list_statements(rt, team_id, actor=actor, after=after, limit=limit + 1)
    page, has_more = found[:limit], len(found) > limit
    return StatementList(
        object="list",
        data=[_document(statement) for statement in page],
        has_more=has_more,
        next_cursor=month_of(page[-1].month) if has_more else None,
    )


@router.post(
    "", name="close_month", status_code=201, responses={**_CLOSED, **refusals(404, 408, 413)}
)
async def close_month(
    team_id: TeamId, body: StatementRequest, rt: Rt, actor: Manager, response: Response
) -> StatementDocument:
    """Closes a month of a team that has ended. Months are closed in their order, and the first
    statement also has what was spent before. A month that is closed stays so: the same request
    again returns its statement. Operators only."""
    statement, is_new = await statements.close(
        rt, team_id, first_day(body.month), actor=actor.because(body.reason)
    )
    with after_commit("The month was closed"):
        if not is_new:
            response.status_code = 200
        return _document(statement)


@router.get("/{month}", name="get_statement", responses=refusals(404, 422))
async def get_statement(team_id: TeamId, month: Month, rt: Rt, actor: Manager) -> StatementDocument:
    """Returns the statement of a month that is closed."""
    return _document(await statements.get_statement(rt, team_id, first_day(month), actor=actor))


@router.get("/{month}/lines", name="list_statement_lines", responses=refusals(404, 422, 429))
async def list_statement_lines(
    team_id: TeamId,
    month: Month,
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    kind: Annotated[Kind | None, Query(description="Only lines of this kind.")] = None,
    cursor: Place = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Lines per page.")] = 100,
) -> StatementLineList:
    """Lists the lines of a statement: what cost something by month and time, then what was
    held."""
    found = await statements.list_lines(
        rt, team_id, first_day(month), actor=actor, kind=kind,
        after=0 if cursor is None else int(cursor), limit=limit + 1,
    )  # fmt: skip
    page, has_more = found[:limit], len(found) > limit
    return StatementLineList(
        object="list",
        data=[_line(line) for line in page],
        has_more=has_more,
        next_cursor=str(page[-1].position) if has_more else None,
    )


@router.get("/{month}/totals", name="list_statement_totals", responses=refusals(404, 422, 429))
async def list_statement_totals(
    team_id: TeamId,
    month: Month,
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    by: Annotated[GroupBy, Query(description="What the lines of a total have in common.")],
    tag: Annotated[
        str | None,
        Query(
            max_length=MAX_KEY_CHARS,
            pattern=r"^[^\x00]+$",
            examples=["cost_centre"],
            description="With `by=tag`, the key of the tag.",
        ),
    ] = None,
    cursor: Place = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Totals per page.")] = 100,
) -> StatementTotalList:
    """Adds up the lines of a statement by member, key, model, month or tag, most first."""
    skip = 0 if cursor is None else int(cursor)
    found = await statements.list_totals(
        rt, team_id, first_day(month), actor=actor, by=by, tag=tag, skip=skip, limit=limit + 1
    )
    has_more = len(found) > limit
    return StatementTotalList(
        object="list",
        data=[_total(total) for total in found[:limit]],
        has_more=has_more,
        next_cursor=str(skip + limit) if has_more else None,
    )


@router.get(
    "/{month}/csv", name="get_statement_csv", response_class=StreamingResponse,
    responses={**_CSV, **refusals(404, 422, 429)},
)  # fmt: skip
async def get_statement_csv(
    team_id: TeamId, month: Month, rt: Rt, actor: Manager, _caller: ReadLimited
) -> StreamingResponse:
    """Returns the lines of a statement as CSV: the same bytes each time."""
    found = await statements.get_statement(rt, team_id, first_day(month), actor=actor)
    digest = base64.b64encode(found.csv_sha256).decode()
    return StreamingResponse(
        statements.csv_of(rt, found),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="statement-{month}.csv"',
            "Content-Length": str(found.csv_bytes),
            "ETag": f'"{found.csv_sha256.hex()}"',
            # RFC 9530.
            "Repr-Digest": f"sha-256=:{digest}:",
        },
    )


def _document(statement: Statement) -> StatementDocument:
    return StatementDocument(
        object="statement", id=statement.id, team_id=statement.team_id,
        month=month_of(statement.month), time_zone=statement.time_zone, ends_at=statement.ends_at,
        closed_at=statement.created_at, actor=statement.actor, lines=statement.lines,
        credits=statement.credits, earlier_credits=statement.earlier_credits,
        unknown_generations=statement.unknown_generations,
        unknown_credits=statement.unknown_credits, open_generations=statement.open_generations,
        open_credits=statement.open_credits, csv_bytes=statement.csv_bytes,
        csv_sha256=statement.csv_sha256.hex(),
    )  # fmt: skip


def _line(line: Line) -> StatementLineDocument:
    return StatementLineDocument(
        generation_id=line.generation_id, day=line.day, month=month_of(line.day),
        member_id=line.member_id, member=line.member, key_id=line.key_id, key=line.key,
        key_prefix=line.key_prefix, model=line.model, tags=dict(line.tags), kind=line.kind,
        credits=line.credits, held_credits=line.held,
    )  # fmt: skip


def _total(total: Total) -> StatementTotalDocument:
    return StatementTotalDocument(
        value=total.value, id=total.id, lines=total.lines, credits=total.credits,
        held_credits=total.held,
    )  # fmt: skip
