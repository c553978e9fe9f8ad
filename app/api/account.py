"""A member's own view: its limits, and the models."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from app.api.credits import CreditsDocument, credits_document
from app.api.documents import Document
from app.api.estimates import RateDocument, key_rate_document, rate_document
from app.api.parameters import refusals
from app.db import api_keys, limits
from app.domain.caller import Role, Status
from app.domain.catalog import OFFERS, Offer, Option
from app.domain.generation import Duration, Resolution, Spec, VideoModel
from app.domain.keys import Scope
from app.domain.prices import PriceList
from app.errors import PriceUnknown
from app.http.access import Caller, ReadLimited, Rt
from app.runtime import ApiRuntime

router = APIRouter(tags=["account"])


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
