"""What a request would cost, whether it would be accepted now, and how long it would take."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.api import wire
from app.api.credits import CreditsDocument, credits_document
from app.api.documents import PRICE, Document, price_name
from app.api.money import IN_MONEY, MoneyDocument, money_of
from app.api.parameters import refusals
from app.db import admission, durations, jobs, limits
from app.db.durations import History, Waits
from app.domain.limits import Limit, LimitStatus
from app.domain.metadata import missing_tags
from app.domain.polling import ENOUGH_SAMPLES
from app.domain.prices import PriceChange
from app.errors import MethodNotAllowed
from app.http.access import ReadLimited, Rt
from app.http.bodies import read_json_object
from app.http.metadata import all_tags
from app.webhooks.urls import check_callback_url

router = APIRouter(tags=["generations"])


class RateDocument(Document):
    """How many creates are allowed per minute, and how many at once (`burst`). `remaining` are left
    now; after `reset_seconds` the whole burst is available again."""

    per_minute: int
    burst: int
    remaining: int
    reset_seconds: int


class ExpectedDocument(Document):
    """How long similar generations (same model and length) waited in the queue and took recently;
    null if too few have finished. `queued_ahead` is how many would be sent before this one."""

    queued_ahead: int
    wait_p50_seconds: float | None
    wait_p90_seconds: float | None
    duration_p50_seconds: float | None
    duration_p90_seconds: float | None


class PriceChangeDocument(Document):
    """What the same request will cost later."""

    effective_at: datetime = Field(description="From when on.")
    credits: int | None = Field(description="Null: it will have no price, and be refused.")


PRICE_CHANGE = "When it will cost something else, if that is known. Null: it is not."


class EstimateDocument(Document):
    """The estimate of a request. Nothing was spent, reserved or stored for it."""

    object: Literal["estimate"]
    quote_credits: int = Field(description="The price.")
    quote_money: MoneyDocument | None = Field(description=IN_MONEY)
    price: str = Field(description=PRICE)
    price_change: PriceChangeDocument | None = Field(description=PRICE_CHANGE)
    admissible: bool = Field(description="Whether the request would be accepted now.")
    binding_limit: Limit | None = Field(
        description="The limit that would refuse it; null if none would."
    )
    retry_after_seconds: int | None = Field(
        description="When it may be accepted. Null: now, or only after an administrator has acted."
    )
    credits: CreditsDocument
    open: int = Field(description="Your generations in progress.")
    max_open: int
    rate: RateDocument
    key_rate: RateDocument | None = Field(description="Null: your key has no rate of its own.")
    expected: ExpectedDocument


_BODY = {"requestBody": {"required": True, "content": {"application/json": {
    "schema": {"$ref": "#/components/schemas/GenerationRequest"}}}}}  # fmt: skip


@router.post(
    "/generations/estimate",
    name="estimate_generation",
    responses=refusals(408, 413, 422),
    openapi_extra=_BODY,
)
async def estimate_generation(request: Request, rt: Rt, caller: ReadLimited) -> EstimateDocument:
    """Returns what `create_generation` would do with the same body: the price, whether a limit
    would refuse it and for how long, and how long similar generations took. Costs nothing and
    stores nothing."""
    parsed = wire.parse(await read_json_object(request), rt.aliases)
    if parsed.callback_url is not None:
        check_callback_url(rt, parsed.callback_url, "callback_url")
    tags = all_tags(request, inherited={}, given=parsed.metadata)
    prices, now, spec = await rt.prices.known(), rt.clock.now(), parsed.spec
    quoted = prices.quote(spec, at=now)
    quote = quoted.credits
    async with rt.db.single() as tx:
        status = await limits.limits_of(
            tx, caller.member_id, key_id=caller.key_id, quote=quote, now=rt.clock.for_database()
        )
        missing = await admission.missing_tags(tx, caller.member_id, tags)
        opened = status.open_generations or 0
        ahead = await jobs.count_ahead(tx, priority=-opened)
        waits = await durations.waits_of(tx, spec.kind)
    if missing:
        raise missing_tags(missing)
    history = await rt.durations.of(spec)
    wait = status.retry_after_seconds
    return EstimateDocument(
        object="estimate",
        quote_credits=quote,
        quote_money=money_of(rt, quote, now),
        price=price_name(quoted.price_id),
        price_change=price_change_document(prices.next_change(spec, at=now)),
        admissible=status.binding_limit is None,
        binding_limit=status.binding_limit,
        retry_after_seconds=None if wait is None else math.ceil(wait),
        credits=credits_document(status, rt),
        open=opened,
        max_open=status.max_open,
        rate=rate_document(status),
        key_rate=key_rate_document(status),
        expected=_expected(ahead, waits, history),
    )


@router.api_route(
    "/generations/estimate",
    methods=["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"],
    include_in_schema=False,
    response_model=None,
)
async def refuse_method() -> Response:
    """The path looks like that of a generation, which allows other methods."""
    raise MethodNotAllowed(headers={"Allow": "POST"})


def price_change_document(change: PriceChange | None) -> PriceChangeDocument | None:
    if change is None:
        return None
    return PriceChangeDocument(effective_at=change.effective_at, credits=change.credits)


def key_rate_document(status: LimitStatus) -> RateDocument | None:
    if status.key_rate_per_minute is None:
        return None
    return RateDocument(
        per_minute=status.key_rate_per_minute,
        burst=status.key_rate_burst or 0,
        remaining=status.key_rate_remaining or 0,
        reset_seconds=math.ceil(status.key_rate_reset_seconds or 0),
    )


def rate_document(status: LimitStatus) -> RateDocument:
    return RateDocument(
        per_minute=status.rate_per_minute,
        burst=status.rate_burst,
        remaining=status.rate_remaining,
        reset_seconds=math.ceil(status.rate_reset_seconds),
    )


def _expected(ahead: int, waits: Waits, history: History) -> ExpectedDocument:
    found: dict[str, Any] = {}
    for name, known in (("wait", waits), ("duration", history)):
        enough = known.samples >= ENOUGH_SAMPLES
        found[f"{name}_p50_seconds"] = round(known.p50_seconds, 3) if enough else None
        found[f"{name}_p90_seconds"] = round(known.p90_seconds, 3) if enough else None
    return ExpectedDocument(queued_ahead=ahead, **found)
