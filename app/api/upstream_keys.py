"""Upstream keys and the accounts behind them, for operators only."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi import Path as PathParameter
from pydantic import Field

from app.api.documents import Document
from app.api.money import IN_MONEY, MoneyDocument, money_of
from app.api.parameters import TEXT, refusals
from app.api.pauses import Because
from app.db.upstream_watermarks import Interval
from app.domain.upstream_keys import BreakerState, KeyCheck, KeyState
from app.http.access import Operator, RecentOperator, Rt
from app.http.after_commit import after_commit
from app.http.bodies import BoundedRoute
from app.operators import upstream_keys
from app.operators.upstream_keys import KeyStatus
from app.runtime import ApiRuntime

router = APIRouter(prefix="/admin/upstream-keys", tags=["admin"], route_class=BoundedRoute)

Label = Annotated[str, PathParameter(pattern=TEXT, description="The `label` of an upstream key.")]


class MinuteDocument(Document):
    """The requests of this minute, of submissions and look-ups."""

    limit: int = Field(description="`REELGATE_UPSTREAM_RATE_PER_MINUTE`.")
    used: int
    remaining: int


class WatermarkDocument(Document):
    """What 1min.ai last said of the account that this key belongs to."""

    observed_at: datetime
    used_credits: int
    credit_limit: int
    remaining_credits: int = Field(
        description="What it surely has left, once everything is charged that is in progress, or "
        "whose outcome is unknown."
    )
    remaining_money: MoneyDocument | None = Field(description=IN_MONEY)
    credits_per_day: int | None = Field(
        description="What it used in the last seven days, a day. Null: less than a day is known, "
        "or it used nothing."
    )
    days_left: float | None = Field(description="At that pace. Null: not known.")
    unexplained_credits: int = Field(
        description="Credits used in the last day that are not in the gateway's ledger: at least."
    )


class TestDocument(Document):
    """A look-up that costs nothing. `result` null: a worker does it within seconds."""

    requested_at: datetime
    tested_at: datetime | None
    result: KeyCheck | None


class UpstreamKeyDocument(Document):
    """An upstream key by its label; the key itself is never shown. `breaker` is `closed` while
    submissions go through it, `open` after too many in a row without an answer, and `half_open`
    while one of them is tried. `breaker_until` says when the upstream is asked again."""

    object: Literal["upstream_key"]
    label: str
    fingerprint: str = Field(description="The beginning of the SHA-256 of the key.")
    state: KeyState = Field(
        description="`set_aside`: 1min.ai refused it, or its account has too few credits. "
        "`paused`: by an operator. What it created is polled in every state."
    )
    reason: str | None
    set_aside_at: datetime | None = Field(description="Or paused.")
    return_at: datetime | None
    breaker: BreakerState
    breaker_failures: int
    breaker_until: datetime | None
    minute: MinuteDocument
    open_generations: int = Field(
        description="Sent with it and not ended: in progress, or with an unknown outcome."
    )
    watermark: WatermarkDocument | None = Field(description="Null: no answer had its figures yet.")
    test: TestDocument | None = Field(description="The latest. Null: there was none.")


class UpstreamKeyList(Document):
    object: Literal["list"]
    data: list[UpstreamKeyDocument]
    reserve_credits: int | None = Field(
        description="`REELGATE_UPSTREAM_RESERVE_CREDITS`: what is left in each account. Null: "
        "nothing is."
    )


class IntervalDocument(Document):
    """From one answer of 1min.ai with other figures to the next. The account used
    `upstream_credits`; the gateway's ledger has between `ledger_least_credits` and
    `ledger_most_credits` of them, since answers lag and charges overlap them."""

    since: datetime | None = Field(description="Null: there is none before it.")
    until: datetime
    used_credits: int
    credit_limit: int
    upstream_credits: int | None
    ledger_least_credits: int | None
    ledger_most_credits: int | None
    limit_change: int | None = Field(description="Credits added to the limit of the account.")
    unexplained_credits: int = Field(
        description="Used, and not in the ledger, at least: by somebody else, or at another price."
    )
    added_credits: int = Field(
        description="In the ledger, and not used, at least: given back, added, or not charged."
    )
    uncertain_credits: int = Field(description="By how much more either may be.")


class IntervalList(Document):
    object: Literal["list"]
    data: list[IntervalDocument]
    has_more: bool
    next_cursor: str | None


@router.get("", name="list_upstream_keys")
async def list_upstream_keys(rt: Rt, _operator: Operator) -> UpstreamKeyList:
    """Lists the upstream keys that a worker has configured: whether they are used, how much of this
    minute's requests is left, and what is left in their accounts."""
    return await _keys(rt)


@router.get("/{label}/watermarks", name="list_upstream_watermarks", responses=refusals(404))
async def list_upstream_watermarks(
    label: Label,
    rt: Rt,
    _operator: Operator,
    cursor: Annotated[
        str | None,
        Query(pattern=r"^[0-9]{1,18}$", description="`next_cursor` of the previous page."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Intervals per page.")] = 50,
) -> IntervalList:
    """Lists how the account's figures changed beside the ledger, newest first."""
    found = await upstream_keys.list_intervals(
        rt, label, before=None if cursor is None else int(cursor), limit=limit + 1
    )
    page, has_more = found[:limit], len(found) > limit
    return IntervalList(
        object="list",
        data=[_interval(each) for each in page],
        has_more=has_more,
        next_cursor=str(page[-1].id) if has_more else None,
    )


@router.post("/{label}/test", name="test_upstream_key", status_code=202, responses=refusals(404))
async def test_upstream_key(label: Label, rt: Rt, operator: RecentOperator) -> UpstreamKeyList:
    """Tests an upstream key with a look-up, which costs nothing and also shows the figures of its
    account. A worker does it within seconds; look for `test` in the list."""
    await upstream_keys.test(rt, label, actor=operator.actor)
    with after_commit("A worker tests the upstream key"):
        return await _keys(rt)


@router.post("/{label}/pause", name="pause_upstream_key", responses=refusals(404, 408, 413))
async def pause_upstream_key(
    label: Label, body: Because, rt: Rt, operator: RecentOperator
) -> UpstreamKeyList:
    """Submits nothing with an upstream key until it is returned. What it created is still
    polled."""
    await upstream_keys.pause(rt, label, reason=body.reason, actor=operator.actor)
    with after_commit("The upstream key is paused"):
        return await _keys(rt)


@router.post("/{label}/return", name="return_upstream_key", responses=refusals(404, 408, 413))
async def return_upstream_key(
    label: Label, body: Because, rt: Rt, operator: RecentOperator
) -> UpstreamKeyList:
    """Uses an upstream key again that was paused or set aside. If its account has too few credits,
    that is so until the next answer says it again."""
    await upstream_keys.return_to_use(rt, label, reason=body.reason, actor=operator.actor)
    with after_commit("The upstream key is back in use"):
        return await _keys(rt)


async def _keys(rt: ApiRuntime) -> UpstreamKeyList:
    found = await upstream_keys.list_keys(rt)
    return UpstreamKeyList(
        object="list",
        data=[_key(rt, each) for each in found],
        reserve_credits=rt.settings.upstream_reserve_credits,
    )


def _key(rt: ApiRuntime, status: KeyStatus) -> UpstreamKeyDocument:
    key = status.key
    return UpstreamKeyDocument(
        object="upstream_key", label=key.label, fingerprint=status.fingerprint, state=key.state,
        reason=key.reason, set_aside_at=key.set_aside_at, return_at=key.return_at,
        breaker=key.breaker, breaker_failures=key.breaker_failures,
        breaker_until=key.breaker_until,
        minute=MinuteDocument(limit=status.minute_limit, used=key.minute_requests,
                              remaining=status.minute_remaining),
        open_generations=status.open_generations,
        watermark=_watermark(rt, status), test=_test(status),
    )  # fmt: skip


def _watermark(rt: ApiRuntime, status: KeyStatus) -> WatermarkDocument | None:
    found = status.watermark
    if found is None:
        return None
    return WatermarkDocument(
        observed_at=found.observed_at, used_credits=found.used, credit_limit=found.credit_limit,
        remaining_credits=found.remaining,
        remaining_money=money_of(rt, found.remaining, rt.clock.now()),
        credits_per_day=None if found.pace is None else round(found.pace),
        days_left=None if found.days_left is None else round(found.days_left, 1),
        unexplained_credits=found.unexplained,
    )  # fmt: skip


def _test(status: KeyStatus) -> TestDocument | None:
    key = status.key
    if key.test_requested_at is None:
        return None
    done = key.tested_at is not None and key.tested_at >= key.test_requested_at
    return TestDocument(
        requested_at=key.test_requested_at,
        tested_at=key.tested_at if done else None,
        result=key.test_result if done else None,
    )


def _interval(found: Interval) -> IntervalDocument:
    return IntervalDocument(
        since=found.since, until=found.until, used_credits=found.used,
        credit_limit=found.credit_limit, upstream_credits=found.change,
        ledger_least_credits=found.ledger_least, ledger_most_credits=found.ledger_most,
        limit_change=found.limit_change, unexplained_credits=found.unexplained,
        added_credits=found.added, uncertain_credits=found.uncertain,
    )  # fmt: skip
