"""The models, with their options and what these cost."""

from __future__ import annotations

import contextlib
from datetime import datetime
from enum import StrEnum
from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from app.api.documents import PRICE, Document, price_name
from app.api.estimates import PRICE_CHANGE, PriceChangeDocument, price_change_document
from app.domain.catalog import OFFERS, Offer, Option
from app.domain.generation import Duration, Resolution, Spec, VideoModel
from app.domain.prices import PriceList
from app.errors import PriceUnknown
from app.http.access import Caller, Rt
from app.runtime import ApiRuntime

router = APIRouter(tags=["account"])


class PriceDocument(Document):
    """What a video of this length costs, with its other options left out. `resolution` is null for
    requests that leave it to the upstream. An estimate has the price of any request."""

    duration: Duration
    resolution: Resolution | None
    credits: int
    price: str = Field(description=PRICE)
    price_change: PriceChangeDocument | None = Field(description=PRICE_CHANGE)


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
    now = rt.clock.now()
    return ModelList(
        object="list",
        data=[
            _model(rt, offer, model, _prices(prices, offer, model, now))
            for offer in OFFERS.values()
            for model in VideoModel
        ],
    )


def _model(
    rt: ApiRuntime, offer: Offer, model: VideoModel, prices: list[PriceDocument]
) -> ModelDocument:
    return ModelDocument(
        id=model,
        object="model",
        feature=offer.feature,
        provider=offer.provider,
        aliases=[alias for alias, stands_for in rt.aliases.table.items() if stands_for is model],
        options=[_option(option) for option in offer.options if option.kind is not VideoModel],
        prices=prices,
    )


def _option(option: Option) -> ModelOptionDocument:
    return ModelOptionDocument(
        name=option.name,
        required=option.required,
        allowed=list(option.kind) if issubclass(option.kind, StrEnum) else None,
        description=option.help,
    )


def _prices(
    prices: PriceList, offer: Offer, model: VideoModel, now: datetime
) -> list[PriceDocument]:
    found = []
    for duration in Duration:
        for resolution in (None, *Resolution):
            spec = Spec(prompt="", model=model, duration=duration, resolution=resolution)
            with contextlib.suppress(PriceUnknown):
                quote = prices.quote(offer, spec, at=now)
                change = prices.next_change(offer, spec, at=now)
                found.append(
                    PriceDocument(
                        duration=duration, resolution=resolution, credits=quote.credits,
                        price=price_name(quote.price_id),
                        price_change=price_change_document(change),
                    )
                )  # fmt: skip
    return found
