"""The models, with their options and what these cost."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from app.api.documents import PRICE, Document, price_name
from app.api.estimates import PRICE_CHANGE, PriceChangeDocument, price_change_document
from app.domain.catalog.models import Model
from app.domain.catalog.pages import Field as PageField
from app.domain.catalog.spec import Facts
from app.domain.prices import PriceList
from app.errors import PriceUnknown
from app.http.access import Caller, Rt
from app.runtime import ApiRuntime

router = APIRouter(tags=["account"])


class PriceDocument(Document):
    """What a video of this length costs, with its other options left out. `resolution` is null for
    requests that leave it to the upstream. An estimate has the price of any request."""

    duration: str
    resolution: str | None
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

    id: str
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
            _model(rt, model, _prices(prices, model, now)) for model in rt.catalog.enabled.values()
        ],
    )


def _model(rt: ApiRuntime, model: Model, prices: list[PriceDocument]) -> ModelDocument:
    return ModelDocument(
        id=model.id,
        object="model",
        feature=model.feature,
        provider=model.provider,
        aliases=[alias for alias, stands_for in rt.aliases.table.items() if stands_for == model.id],
        options=[_option(field) for field in model.fields],
        prices=prices,
    )


def _option(field: PageField) -> ModelOptionDocument:
    return ModelOptionDocument(
        name=field.name,
        required=field.required,
        allowed=list(field.choices) or None,
        description=field.help,
    )


def _prices(prices: PriceList, model: Model, now: datetime) -> list[PriceDocument]:
    found, offered = [], model.offered
    for seconds in offered.seconds:
        for lines in (None, *offered.lines):
            spec = model.spec_of(Facts(prompt="", seconds=seconds, lines=lines))
            with contextlib.suppress(PriceUnknown):
                quote = prices.quote(spec, at=now)
                change = prices.next_change(spec, at=now)
                found.append(
                    PriceDocument(
                        duration=f"{seconds}s",
                        resolution=None if lines is None else f"{lines}p",
                        credits=quote.credits, price=price_name(quote.price_id),
                        price_change=price_change_document(change),
                    )
                )  # fmt: skip
    return found
