"""What a request would cost, whether it would be admitted now, and how long it would take."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.api import wire
from app.api.documents import Document
from app.api.parameters import refusals
from app.db import durations, jobs, limits
from app.db.durations import History, Waits
from app.db.limits import Headroom
from app.domain.caller import Caller as CallerRecord
from app.domain.caller import Status
from app.errors import MethodNotAllowed
from app.http.access import Caller, Rt
from app.http.bodies import read_json_object
from app.webhooks.urls import check_callback_url

router = APIRouter(tags=["generations"])

#: As admission says to whoever it refuses.
_PAUSE_SECONDS = 60
_OPEN_SECONDS = 10
#: Fewer finished ones of a kind say nothing.
_ENOUGH_SAMPLES = 5


class Limit(StrEnum):
    """In the order in which they are looked at: the first that binds refuses."""

    SUSPENDED = "suspended"
    PAUSED = "paused"
    RATE_PER_MINUTE = "rate_per_minute"
    MAX_OPEN = "max_open"
    MEMBER_CREDIT_LIMIT = "member_credit_limit"
    TEAM_CREDIT_LIMIT = "team_credit_limit"


class CreditsDocument(Document):
    """A credit limit and what of it is used: spent, or set aside for what is under way."""

    credit_limit: int
    used_credits: int
    remaining_credits: int


class RateDocument(Document):
    """How many creates per minute, and how many in a row (`burst`). `remaining` is left now;
    after `reset_seconds` the whole burst is back."""

    per_minute: int
    burst: int
    remaining: int
    reset_seconds: int


class ExpectedDocument(Document):
    """What like generations (same model and length) took lately; null where too few have
    finished. `queued_ahead` is what would be sent before this one."""

    queued_ahead: int
    wait_p50_seconds: float | None
    wait_p90_seconds: float | None
    duration_p50_seconds: float | None
    duration_p90_seconds: float | None


class EstimateDocument(Document):
    """Nothing was spent, set aside or kept for this."""

    object: Literal["estimate"]
    quote_credits: int = Field(description="The price.")
    admissible: bool = Field(description="Whether the request would be accepted now.")
    binding_limit: Limit | None = Field(
        description="What would refuse it; null where nothing would."
    )
    retry_after_seconds: int | None = Field(
        description="When it may be accepted. Null: now, or not before an administrator acts."
    )
    member: CreditsDocument
    team: CreditsDocument | None = Field(description="Null: your team has no limit of its own.")
    open: int = Field(description="Your generations that are under way.")
    max_open: int
    rate: RateDocument
    expected: ExpectedDocument


_BODY = {"requestBody": {"required": True, "content": {"application/json": {
    "schema": {"$ref": "#/components/schemas/GenerationRequest"}}}}}  # fmt: skip


@router.post(
    "/generations/estimate",
    name="estimate_generation",
    responses=refusals(408, 413, 422),
    openapi_extra=_BODY,
)
async def estimate_generation(request: Request, rt: Rt, caller: Caller) -> EstimateDocument:
    """What `create_generation` would answer to the same body: the price, whether a limit would
    refuse it and when that is over, and how long like ones took. Spends and keeps nothing."""
    asked = wire.parse(await read_json_object(
        request, limit=rt.settings.max_body_bytes, seconds=rt.settings.body_seconds
    ))  # fmt: skip
    if asked.callback_url is not None:
        check_callback_url(rt, asked.callback_url, "callback_url")
    quote, spec = rt.prices.quote(asked.offer, asked.spec), asked.spec
    async with rt.db.single() as tx:
        room = await limits.headroom_of(tx, caller.member_id, now=rt.clock.for_database())
        ahead = await jobs.count_ahead(tx, priority=-room.open)
        waits = await durations.waits_of(tx, model=spec.model.value, duration=spec.duration.value)
    history = await rt.durations.of(spec)
    limit, seconds = binding_limit(caller, room, quote=quote)
    return EstimateDocument(
        object="estimate",
        quote_credits=quote,
        admissible=limit is None,
        binding_limit=limit,
        retry_after_seconds=seconds,
        member=credits_document(caller.credit_limit, room.used_credits),
        team=team_credits(room),
        open=room.open,
        max_open=caller.max_open,
        rate=rate_document(caller, room),
        expected=_expected(ahead, waits, history),
    )


@router.api_route(
    "/generations/estimate",
    methods=["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"],
    include_in_schema=False,
    response_model=None,
)
async def refuse_method() -> Response:
    """The path looks like that of a generation, which takes other methods."""
    raise MethodNotAllowed(headers={"Allow": "POST"})


def binding_limit(
    caller: CallerRecord, room: Headroom, *, quote: int
) -> tuple[Limit | None, int | None]:
    """The limit that admission would name for such a request, and the whole seconds until it may
    bind no more; None where time does not help."""
    step = 60.0 / caller.rate_per_minute
    over = room.rate_backlog_seconds + step - caller.rate_burst * step
    team = room.team_credit_limit
    if caller.status is not Status.ACTIVE:
        return Limit.SUSPENDED, None
    if room.admission_paused:
        return Limit.PAUSED, _PAUSE_SECONDS
    if over > 1e-6:
        return Limit.RATE_PER_MINUTE, math.ceil(over)
    if room.open >= caller.max_open:
        return Limit.MAX_OPEN, _OPEN_SECONDS
    if room.used_credits + quote > caller.credit_limit:
        return Limit.MEMBER_CREDIT_LIMIT, None
    if team is not None and room.team_used_credits + quote > team:
        return Limit.TEAM_CREDIT_LIMIT, None
    return None, None


def credits_document(limit: int, used: int) -> CreditsDocument:
    return CreditsDocument(
        credit_limit=limit, used_credits=used, remaining_credits=max(limit - used, 0)
    )


def team_credits(room: Headroom) -> CreditsDocument | None:
    if room.team_credit_limit is None:
        return None
    return credits_document(room.team_credit_limit, room.team_used_credits)


def rate_document(caller: CallerRecord, room: Headroom) -> RateDocument:
    step = 60.0 / caller.rate_per_minute
    left = caller.rate_burst * step - room.rate_backlog_seconds
    return RateDocument(
        per_minute=caller.rate_per_minute,
        burst=caller.rate_burst,
        remaining=max(math.floor(left / step + 1e-6), 0),
        reset_seconds=math.ceil(room.rate_backlog_seconds),
    )


def _expected(ahead: int, waits: Waits, history: History) -> ExpectedDocument:
    found: dict[str, Any] = {}
    for name, known in (("wait", waits), ("duration", history)):
        enough = known.samples >= _ENOUGH_SAMPLES
        found[f"{name}_p50_seconds"] = round(known.p50_seconds, 3) if enough else None
        found[f"{name}_p90_seconds"] = round(known.p90_seconds, 3) if enough else None
    return ExpectedDocument(queued_ahead=ahead, **found)
