"""The models, with their options and what these cost."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field

from app.api.documents import PRICE, Document, price_name
from app.api.estimates import PRICE_CHANGE, PriceChangeDocument, price_change_document
from app.db.durations import ModelTimes
from app.domain.catalog.models import NO_UPLOADS, Model
from app.domain.catalog.pages import Field as PageField
from app.domain.catalog.pages import Kind
from app.domain.catalog.rules import Rule
from app.domain.catalog.spec import Facts
from app.domain.inputs import InputRule
from app.domain.polling import ENOUGH_SAMPLES
from app.domain.prices import PriceList
from app.domain.text import MAX_PROMPT_CHARS
from app.errors import PriceUnknown
from app.http.access import Caller, Rt
from app.runtime import ApiRuntime

router = APIRouter(tags=["account"])


class PriceDocument(Document):
    """What a video of this length costs, with its other options left out. `duration` is null for
    models that have no choice, `resolution` for requests that leave it to the upstream. An estimate
    has the price of any request."""

    duration: str | None
    resolution: str | None
    credits: int
    price: str = Field(description=PRICE)
    price_change: PriceChangeDocument | None = Field(description=PRICE_CHANGE)


class ImageDocument(Document):
    """What is demanded of an image. Null: nothing."""

    content_types: list[str]
    max_bytes: int
    min_side: int | None = Field(description="Pixels of each side, at least.")
    max_side: int | None = Field(description="Pixels of each side, at most.")
    min_ratio: float | None = Field(description="Width divided by height, at least.")
    max_ratio: float | None = Field(description="Width divided by height, at most.")


class ModelOptionDocument(Document):
    """An option of a model: a field of the request that creates a video."""

    name: str
    kind: str = Field(
        description="`text`, `choice`, `integer`, `number`, `flag` (true or false), `asset` (the "
        "id of an uploaded image), or `assets`."
    )
    required: bool
    allowed: list[str] | None = Field(description="Of a choice. Null: see the kind and the range.")
    minimum: float | None = Field(description="The least number or, of assets, how many.")
    maximum: float | None = Field(
        description="The greatest number; of text, the most characters; of assets, how many."
    )
    default: str | None = Field(
        description="What 1min.ai says that leaving it out means. Null: it does not say."
    )
    description: str
    image: ImageDocument | None = Field(description="Of `asset` and `assets`.")
    native_name: str = Field(description="Its name in `promptObject`, in 1min.ai's API.")
    native_allowed: list[Any] | None = Field(
        description="What `promptObject` has for each of `allowed`, in the same order."
    )


class ModelRuleDocument(Document):
    """A combination that is refused or, where it is not certain, `flagged`. A request is one of
    them if each option of `when` has one of its values; null is that of an option that is left
    out."""

    when: dict[str, list[Any]]
    field: str = Field(description="The option that errors name.")
    reason: str
    source: str = Field(
        description="`documented` by 1min.ai, `inferred` from the provider behind it, or `learned`."
    )
    flagged: bool


class ModelTimesDocument(Document):
    """How long the last videos of the model waited in the queue, and how long they took from then
    on: half of them (p50) and nine of ten (p90) were no slower. Null if too few have finished. An
    estimate has the figures of one length."""

    wait_p50_seconds: float | None
    wait_p90_seconds: float | None
    duration_p50_seconds: float | None
    duration_p90_seconds: float | None


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
    rules: list[ModelRuleDocument]
    defaults: dict[str, Any] = Field(
        description="Values of options that APIs which cannot say them get. 1min.ai's API and this "
        "one leave out what a request leaves out."
    )
    native_fixed: dict[str, Any] = Field(
        description="What `promptObject` has in 1min.ai's API for this model to be chosen."
    )
    prices: list[PriceDocument] = Field(
        description="What has no price cannot be requested: the operator has not set one."
    )
    expected: ModelTimesDocument
    source: str = Field(description="Where this entry is from.")
    as_of: date
    retires_on: date | None = Field(description="When 1min.ai stops making it, as far as is known.")


class ModelList(Document):
    object: Literal["list"]
    data: list[ModelDocument]


@router.get("/models", name="list_models")
async def list_models(rt: Rt, _caller: Caller) -> ModelList:
    """Lists every model with its options, its prices, and how long its videos take."""
    prices = await rt.prices.known()
    return ModelList(
        object="list", data=await model_documents(rt, rt.catalog.enabled.values(), prices)
    )


async def model_documents(
    rt: ApiRuntime, models: Iterable[Model], prices: PriceList
) -> list[ModelDocument]:
    """In the order of the models."""
    times = await rt.durations.of_models(rt.catalog.enabled.values())
    now = rt.clock.now()
    return [
        _model(rt, model, _prices(prices, model, now), _expected(times.get(model.id)))
        for model in models
    ]


def _model(
    rt: ApiRuntime, model: Model, prices: list[PriceDocument], expected: ModelTimesDocument
) -> ModelDocument:
    return ModelDocument(
        id=model.id,
        object="model",
        feature=model.feature,
        provider=model.provider,
        aliases=[alias for alias, stands_for in rt.aliases.table.items() if stands_for == model.id],
        options=[_option(field, max_bytes=rt.settings.max_input_bytes) for field in model.fields],
        rules=[_rule(rule, model) for rule in model.rules],
        defaults=dict(model.defaults),
        native_fixed=model.page.prompt_object(model.fixed, NO_UPLOADS),
        prices=prices,
        expected=expected,
        source=model.source,
        as_of=model.as_of,
        retires_on=model.retires_on,
    )


def _expected(times: ModelTimes | None) -> ModelTimesDocument:
    names = list(ModelTimesDocument.model_fields)
    if times is None or times.samples < ENOUGH_SAMPLES:
        return ModelTimesDocument(**dict.fromkeys(names))
    return ModelTimesDocument(**{name: round(getattr(times, name), 3) for name in names})


def _rule(rule: Rule, model: Model) -> ModelRuleDocument:
    """Without what the model fixes: the rules of a model are those that it does not rule out."""
    return ModelRuleDocument(
        when={name: list(wrong) for name, wrong in rule.when.items() if name not in model.fixed},
        field=rule.field,
        reason=rule.reason,
        source=rule.source,
        flagged=rule.flagged,
    )


def _option(field: PageField, *, max_bytes: int) -> ModelOptionDocument:
    most = MAX_PROMPT_CHARS if field.kind is Kind.TEXT and field.most is None else field.most
    is_image = field.kind in (Kind.ASSET, Kind.ASSETS)
    return ModelOptionDocument(
        name=field.name,
        kind=field.kind,
        required=field.required,
        allowed=list(field.choices) or None,
        minimum=field.least,
        maximum=most,
        default=field.default,
        description=field.help,
        image=_image(field.image or InputRule(), max_bytes=max_bytes) if is_image else None,
        native_name=field.wire,
        native_allowed=list(field.sent or field.choices) or None,
    )


def _image(rule: InputRule, *, max_bytes: int) -> ImageDocument:
    return ImageDocument(
        content_types=list(rule.content_types),
        max_bytes=max_bytes if rule.max_bytes is None else min(rule.max_bytes, max_bytes),
        min_side=rule.shortest,
        max_side=rule.longest,
        min_ratio=_ratio(rule.tallest),
        max_ratio=_ratio(rule.widest),
    )


def _ratio(pair: tuple[int, int] | None) -> float | None:
    return None if pair is None else pair[0] / pair[1]


def _prices(prices: PriceList, model: Model, now: datetime) -> list[PriceDocument]:
    found, offered = [], model.offered
    for seconds in offered.seconds or (None,):
        for lines in (None, *offered.lines):
            spec = model.spec_of(Facts(prompt="", seconds=seconds, lines=lines))
            if model.broken_rules(spec.values):
                continue
            with contextlib.suppress(PriceUnknown):
                quote = prices.quote(spec, at=now)
                change = prices.next_change(spec, at=now)
                found.append(
                    PriceDocument(
                        duration=None if seconds is None else f"{seconds}s",
                        resolution=None if lines is None else f"{lines}p",
                        credits=quote.credits, price=price_name(quote.price_id),
                        price_change=price_change_document(change),
                    )
                )  # fmt: skip
    return found
