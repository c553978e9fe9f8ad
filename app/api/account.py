"""A member's own view: its limits, the models, and its usage."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from starlette.responses import JSONResponse

from app.api.credits import CreditsDocument, credits_document
from app.api.documents import Document
from app.api.estimates import RateDocument, key_rate_document, rate_document
from app.api.parameters import Day, refusals
from app.db import api_keys, limits, usage
from app.db.usage import UsageRow
from app.domain.caller import Role, Status
from app.domain.catalog import OFFERS, Offer, Option, shown
from app.domain.generation import Duration, Resolution, Spec, State, VideoModel
from app.domain.keys import Scope
from app.domain.metadata import MAX_KEY_CHARS
from app.domain.prices import PriceList
from app.errors import Forbidden, InvalidRequest, Issue, PriceUnknown
from app.http.access import Caller, ReadLimited, Rt
from app.http.metadata import FILTER, TagFilter
from app.runtime import ApiRuntime

router = APIRouter(tags=["account"])

_DAYS = 30
_MOST_DAYS = 366
#: Tags can have as many values as there are generations.
_MOST_ROWS = 10_000


class TeamDocument(Document):
    id: UUID
    name: str


class MyKeyDocument(Document):
    """The key of this request, without its secret."""

    prefix: str = Field(description="Its first characters, by which operators know it.")
    name: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="As known a minute ago.")
    scopes: list[Scope] = Field(
        description="`generate`: create and change. `read`: look. `team`: act for the whole team, "
        "as its administrator. `operate`: operate the gateway, as its operator."
    )
    models: list[str] | None = Field(description="Models that it may use. Null: all.")
    addresses: list[str] | None = Field(
        description="Networks from which it may be used. Null: all."
    )
    max_open: int | None = Field(description="Null: no limit of its own.")
    open: int | None = Field(description="Its generations in progress, if these are limited.")
    rate: RateDocument | None = Field(description="Null: no rate of its own.")


class MeDocument(Document):
    """The caller, its limits and their use."""

    object: Literal["me"]
    member_id: UUID
    name: str
    role: Role
    status: Status
    team: TeamDocument
    key: MyKeyDocument
    credits: CreditsDocument
    max_open: int = Field(description="How many generations may be in progress at the same time.")
    open: int = Field(description="Generations in progress.")
    rate: RateDocument


@router.get("/me", name="get_me", responses=refusals(429))
async def get_me(rt: Rt, caller: ReadLimited) -> MeDocument:
    """Returns the owner of the key, its limits, and how much of them is used."""
    async with rt.db.single() as tx:
        status = await limits.limits_of(
            tx, caller.member_id, key_id=caller.key_id, now=rt.clock.for_database()
        )
        key = await api_keys.get_key(tx, caller.key_id)
    return MeDocument(
        object="me",
        member_id=caller.member_id,
        name=caller.name,
        role=caller.role,
        status=caller.status,
        team=TeamDocument(id=caller.team_id, name=caller.team_name),
        key=MyKeyDocument(
            prefix=key.prefix,
            name=key.name,
            created_at=key.created_at,
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
            scopes=list(key.restrictions.scopes),
            models=_list(key.restrictions.models),
            addresses=_list(key.restrictions.addresses),
            max_open=status.key_max_open,
            open=status.key_open_generations,
            rate=key_rate_document(status),
        ),
        credits=credits_document(status),
        max_open=status.max_open,
        open=status.open_generations or 0,
        rate=rate_document(status),
    )


def _list(words: tuple[str, ...] | None) -> list[str] | None:
    return None if words is None else list(words)


class PriceDocument(Document):
    """A price. `resolution` is null for requests that leave it to the upstream."""

    duration: Duration
    resolution: Resolution | None
    credits: int


class ModelOptionDocument(Document):
    """An option of a model: a field of the request that creates a video."""

    name: str
    required: bool
    allowed: list[str] | None = Field(description="Null: any text, or true and false.")
    description: str


class ModelDocument(Document):
    """What a model can make, and what that costs."""

    id: VideoModel
    object: Literal["model"]
    feature: str
    provider: str
    aliases: list[str] = Field(
        description="Other names that select this model in every API but 1min.ai's."
    )
    options: list[ModelOptionDocument]
    prices: list[PriceDocument] = Field(
        description="What has no price cannot be requested: the operator has not set one."
    )


class ModelList(Document):
    object: Literal["list"]
    data: list[ModelDocument]


@router.get("/models", name="list_models")
async def list_models(rt: Rt, _caller: Caller) -> ModelList:
    """Lists every model with its options and prices."""
    prices = await rt.prices.known()
    return ModelList(
        object="list",
        data=[
            _model(rt, prices, offer, model) for offer in OFFERS.values() for model in VideoModel
        ],
    )


def _model(rt: ApiRuntime, prices: PriceList, offer: Offer, model: VideoModel) -> ModelDocument:
    return ModelDocument(
        id=model,
        object="model",
        feature=offer.feature,
        provider=offer.provider,
        aliases=[alias for alias, stands_for in rt.aliases.table.items() if stands_for is model],
        options=[_option(option) for option in offer.options if option.kind is not VideoModel],
        prices=[
            PriceDocument(duration=duration, resolution=resolution, credits=price)
            for duration in Duration
            for resolution in (None, *Resolution)
            if (price := _price(rt, prices, offer, model, duration, resolution)) is not None
        ],
    )


def _option(option: Option) -> ModelOptionDocument:
    return ModelOptionDocument(
        name=option.name,
        required=option.required,
        allowed=list(option.kind) if issubclass(option.kind, StrEnum) else None,
        description=option.help,
    )


def _price(
    rt: ApiRuntime,
    prices: PriceList,
    offer: Offer,
    model: VideoModel,
    duration: Duration,
    resolution: Resolution | None,
) -> int | None:
    try:
        spec = Spec(prompt="", model=model, duration=duration, resolution=resolution)
        return prices.quote(offer, spec, at=rt.clock.now()).credits
    except PriceUnknown:
        return None


class UsageScope(StrEnum):
    MEMBER = "member"
    TEAM = "team"


class UsageFormat(StrEnum):
    JSON = "json"
    CSV = "csv"


class UsageRowDocument(Document):
    """Generations of one member and model, created on one day (UTC), in one state, with one value
    of the tag in `group_by`.
    `held_credits` are reserved for those that have not ended."""

    day: date
    member_id: UUID
    model: str
    state: State
    tag: str | None = Field(
        description="The tag's value. Null: they do not have it, or there is no `group_by`."
    )
    generations: int
    settled_credits: int
    held_credits: int


class UsageDocument(Document):
    object: Literal["usage"]
    from_day: date
    to_day: date
    scope: UsageScope
    group_by: str | None
    data: list[UsageRowDocument]
    generations: int = Field(description="Total of all rows.")
    settled_credits: int = Field(description="Total of all rows.")
    held_credits: int = Field(description="Total of all rows.")


_USAGE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The rows and their totals.",
        "model": UsageDocument,
        "content": {"text/csv": {"schema": {"type": "string"}}},
    },
    **refusals(403, 422, 429),
}


@router.get(
    "/usage",
    name="get_usage",
    response_model=None,
    responses=_USAGE,
    openapi_extra={"parameters": [FILTER]},
)
async def get_usage(
    request: Request,
    rt: Rt,
    caller: ReadLimited,
    tags: TagFilter,
    from_day: Annotated[
        Day | None, Query(alias="from", description="First day, UTC. Default: 30 days ago.")
    ] = None,
    to_day: Annotated[
        Day | None, Query(alias="to", description="Last day, UTC. Default: today.")
    ] = None,
    scope: Annotated[
        UsageScope | None,
        Query(
            description="`team`: all members of the team; administrators only. Default: `member`."
        ),
    ] = None,
    group_by: Annotated[
        str | None,
        Query(
            pattern=rf"^metadata\[[^\u0000]{{1,{MAX_KEY_CHARS}}}\]$",
            description="A tag, as in `metadata[cost_centre]`: gives each of its values rows of "
            "its own.",
        ),
    ] = None,
    format_: Annotated[
        UsageFormat | None,
        Query(alias="format", description="Takes precedence over `Accept`. Default: JSON."),
    ] = None,
) -> Response:
    """Returns what you created and what it cost, by day, model and state. For CSV, send
    `format=csv` or `Accept: text/csv`."""
    if scope is UsageScope.TEAM and not caller.is_admin:
        raise Forbidden("Only an administrator of the team may see the team's usage.")
    last = to_day or rt.clock.now().date()
    first = from_day or last - timedelta(days=min(_DAYS - 1, last.toordinal() - 1))
    if not 0 <= (last - first).days < _MOST_DAYS:
        message = f"must be at most {_MOST_DAYS - 1} days before `to`, and not after it"
        raise InvalidRequest(
            f"from {message}.", issues=[Issue("from", "value", message, first.isoformat())]
        )
    async with rt.db.single() as tx:
        rows = await usage.usage_of(
            tx,
            team_id=caller.team_id,
            member_id=None if scope is UsageScope.TEAM else caller.member_id,
            first=first,
            last=last,
            metadata=tags,
            group_by=group_by and group_by.removeprefix("metadata[").removesuffix("]"),
            limit=None if group_by is None else _MOST_ROWS + 1,
        )
    if group_by is not None and len(rows) > _MOST_ROWS:
        message = f"has more than {_MOST_ROWS} rows; ask for fewer days, or filter by another tag"
        raise InvalidRequest(
            f"group_by {message}.", issues=[Issue("group_by", "value", message, shown(group_by))]
        )
    if format_ is UsageFormat.CSV or (format_ is None and _prefers_csv(request)):
        name = f"usage-{first}-{last}.csv"
        return Response(
            _csv(rows, group_by), media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )  # fmt: skip
    document = UsageDocument(
        object="usage",
        from_day=first,
        to_day=last,
        scope=scope or UsageScope.MEMBER,
        group_by=group_by,
        data=[UsageRowDocument(**{name: getattr(row, name) for name in _COLUMNS}) for row in rows],
        generations=sum(row.generations for row in rows),
        settled_credits=sum(row.settled_credits for row in rows),
        held_credits=sum(row.held_credits for row in rows),
    )
    return JSONResponse(document.model_dump(mode="json"))


_COLUMNS = tuple(UsageRowDocument.model_fields)


def _prefers_csv(request: Request) -> bool:
    """Whether CSV is accepted and JSON is not. Clients that accept anything get JSON."""
    accepted = ",".join(request.headers.getlist("accept")).lower()
    return "text/csv" in accepted and "json" not in accepted


def _csv(rows: list[UsageRow], group_by: str | None) -> str:
    """The tag's column has its name, and is there only with `group_by`."""
    columns = {name: name for name in _COLUMNS if name != "tag"}
    if group_by is not None:
        columns["tag"] = group_by
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(columns.values())
    writer.writerows([_cell(getattr(row, name)) for name in columns] for row in rows)
    return written.getvalue()


def _cell(value: Any) -> Any:
    """Spreadsheets take text with such a beginning for a formula, and members write tags that
    others open."""
    formula = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if formula else value
