"""Usage: a member's own, and a team's."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BeforeValidator, Field, WithJsonSchema

from app.api.documents import Document
from app.api.money import MoneyDocument, money_of
from app.api.parameters import TEXT, Day, TeamId, refusals
from app.billing import usage
from app.billing.usage import MOST_DAYS, MOST_ROWS, Usage, usage_csv
from app.domain.generation import State
from app.domain.usage import GROUP, Dimension, Question, read_group, read_groups
from app.http.access import Manager, ReadLimited, Rt
from app.http.metadata import FILTER, TagFilter
from app.runtime import Runtime

router = APIRouter()


class UsageScope(StrEnum):
    MEMBER = "member"
    TEAM = "team"


class UsageFormat(StrEnum):
    JSON = "json"
    CSV = "csv"


class UsageRowDocument(Document):
    """Generations that have in common what rows are grouped by; the other fields are null."""

    day: date | None = Field(description="On which they were requested, in the team's time zone.")
    month: str | None = Field(description="The same, as in `2026-03`.")
    model: str | None
    state: State | None
    team_id: UUID | None
    team: str | None
    member_id: UUID | None
    member: str | None
    key_id: UUID | None = Field(
        description="The newest of the keys that replaced each other: they are counted as one."
    )
    key: str | None = Field(description="The key's name.")
    key_prefix: str | None
    tag: str | None = Field(description="The tag's value. Null also if they do not have it.")
    generations: int
    settled_credits: int = Field(description="What they cost.")
    held_credits: int = Field(description="Reserved for those that have not ended.")


class _UsageDocument(Document):
    object: Literal["usage"]
    from_day: date
    to_day: date
    group_by: list[str]
    data: list[UsageRowDocument]
    generations: int = Field(description="Total of all rows.")
    settled_credits: int = Field(description="Total of all rows.")
    held_credits: int = Field(description="Total of all rows.")
    settled_money: MoneyDocument | None = Field(
        description="`settled_credits` in money, at what credits cost now. Null: the gateway's "
        "operator has not set that."
    )


class UsageDocument(_UsageDocument):
    time_zone: str = Field(description="The team's, in which a day begins and ends.")


class UsageOfTeamsDocument(_UsageDocument):
    time_zone: str | None = Field(
        description="Of the team, in which a day begins and ends. Null: of several teams, and each "
        "has its own."
    )


_CSV = {"content": {"text/csv": {"schema": {"type": "string"}}}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The rows and their totals.",
        "model": UsageDocument,
        **_CSV,
    },
    **refusals(403, 422, 429),
}
_RESPONSES_OF_TEAMS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The rows and their totals.",
        "model": UsageOfTeamsDocument,
        **_CSV,
    },
    **refusals(403, 422, 429),
}
_Group = Annotated[
    str, BeforeValidator(read_group), WithJsonSchema({"type": "string", "pattern": GROUP})
]
Format = Annotated[
    UsageFormat | None,
    Query(alias="format", description="Takes precedence over `Accept`. Default: JSON."),
]


def _in_query(
    tags: TagFilter,
    from_day: Annotated[
        Day | None,
        Query(
            alias="from",
            description="First day, in the team's time zone. Default: 30 days ago. At most "
            f"{MOST_DAYS} days are answered.",
        ),
    ] = None,
    to_day: Annotated[
        Day | None, Query(alias="to", description="Last day. Default: today.")
    ] = None,
    group_by: Annotated[
        list[_Group] | None,
        Query(
            max_length=len(Dimension) + 1,
            description="What each row is of: `day`, `month`, `model`, `state`, `team`, `member`, "
            "`key`, and a tag, as in `metadata[cost_centre]`. Several as "
            "`group_by=day&group_by=member`. Default: day, model and state. "
            f"More than {MOST_ROWS} rows are refused.",
        ),
    ] = None,
    model: Annotated[
        str | None, Query(max_length=100, pattern=TEXT, description="Only of this model.")
    ] = None,
    state: Annotated[State | None, Query(description="Only in this state.")] = None,
    key: Annotated[
        UUID | None,
        Query(description="Only of the key with this `id`, and of those that it replaced, or that "
              "replaced it."),
    ] = None,
) -> Question:  # fmt: skip
    dimensions, by_tag = read_groups(group_by or ())
    return Question(
        first=from_day, last=to_day, dimensions=dimensions, by_tag=by_tag, tags=tags, model=model,
        state=state, key_id=key,
    )  # fmt: skip


InQuery = Annotated[Question, Depends(_in_query)]


@router.get(
    "/usage",
    name="get_usage",
    tags=["account"],
    response_model=None,
    responses=_RESPONSES,
    openapi_extra={"parameters": [FILTER]},
)
async def get_usage(
    request: Request,
    rt: Rt,
    caller: ReadLimited,
    question: InQuery,
    scope: Annotated[
        UsageScope | None,
        Query(
            description="`team`: all members of the team; administrators only. Default: `member`."
        ),
    ] = None,
    format_: Format = None,
) -> Response:
    """Returns what you created and what it cost. For CSV, send `format=csv` or `Accept:
    text/csv`."""
    found = await usage.usage_of_caller(
        rt, question, caller=caller, whole_team=scope is UsageScope.TEAM
    )
    return _answer(rt, request, question, found, format_)


@router.get(
    "/admin/usage",
    name="get_usage_of_teams",
    tags=["admin"],
    response_model=None,
    responses=_RESPONSES_OF_TEAMS,
    openapi_extra={"parameters": [FILTER]},
)
async def get_usage_of_teams(
    request: Request,
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    question: InQuery,
    format_: Format = None,
) -> Response:
    """Returns what all teams created and what it cost, as `/usage` does for yourself; to
    administrators, that of their team. Days are those of each team."""
    found = await usage.usage_of_all(rt, question, actor=actor)
    return _answer(rt, request, question, found, format_, document=UsageOfTeamsDocument)


@router.get(
    "/admin/teams/{team_id}/usage",
    name="get_team_usage",
    tags=["admin"],
    response_model=None,
    responses=_RESPONSES | refusals(404),
    openapi_extra={"parameters": [FILTER]},
)
async def get_team_usage(
    team_id: TeamId,
    request: Request,
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    question: InQuery,
    member: Annotated[UUID | None, Query(description="Only of the member with this `id`.")] = None,
    format_: Format = None,
) -> Response:
    """Returns what a team created and what it cost, as `/usage` does for yourself."""
    question = replace(question, member_id=member)
    found = await usage.usage_of_team(rt, team_id, question, actor=actor)
    return _answer(rt, request, question, found, format_)


def _answer(
    rt: Runtime,
    request: Request,
    question: Question,
    found: Usage,
    format_: UsageFormat | None,
    *,
    document: type[UsageDocument | UsageOfTeamsDocument] = UsageDocument,
) -> Response:
    if format_ is UsageFormat.CSV or (format_ is None and _prefers_csv(request)):
        name = f"usage-{found.first}-{found.last}.csv"
        return Response(
            usage_csv(question, found.rows), media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )  # fmt: skip
    whole = document.model_validate(
        {
            "object": "usage",
            "from_day": found.first,
            "to_day": found.last,
            "time_zone": found.time_zone,
            "group_by": list(question.groups),
            "data": [],
            "generations": found.generations,
            "settled_credits": found.settled_credits,
            "held_credits": found.held_credits,
            "settled_money": money_of(rt, found.settled_credits, rt.clock.now()),
        }
    )
    # Thousands of rows, which are in their form already: nothing checks them one by one.
    rows = [{name: getattr(row, name) for name in _FIELDS} for row in found.rows]
    body = json.dumps({**whole.model_dump(mode="json"), "data": rows}, default=str)
    return Response(body, media_type="application/json")


_FIELDS = tuple(UsageRowDocument.model_fields)


def _prefers_csv(request: Request) -> bool:
    """Whether CSV is accepted and JSON is not. Clients that accept anything get JSON."""
    accepted = ",".join(request.headers.getlist("accept")).lower()
    return "text/csv" in accepted and "json" not in accepted
