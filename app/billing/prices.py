"""Sets and withdraws prices with effective dates, each with an audit line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from app.db import audit, prices, repeats
from app.db.prices import ListedPrice, PriceState
from app.db.repeats import Repeat
from app.db.session import Tx
from app.domain.authority import Actor
from app.domain.catalog.prices import check_match
from app.domain.limits import BOUNDS
from app.domain.prices import Price, tie_of
from app.errors import GatewayError, InvalidRequest, Issue, NotFound, Rejections, summary
from app.runtime import Runtime

#: As much as a limit can be.
MAX_PRICE = BOUNDS["credit_limit"][1]
#: Prices that count or will. Every process has them in memory, and each request is compared with
#: them.
MAX_PRICES = 1000
_LONGEST = timedelta(days=36_600)


async def set_price(
    rt: Runtime,
    match: Mapping[str, Any],
    *,
    credits_: int | None,
    effective_at: datetime | None = None,
    once: Repeat | None = None,
    actor: Actor,
) -> ListedPrice:
    """From `effective_at` on, by default from now on, requests with these values cost so many
    credits. None ends the price of the same match: the next less specific one counts, or the
    default. Raises `Forbidden`, `IdempotencyMismatch`, and `InvalidRequest`, also without a reason,
    or if it would not be clear which of two prices counts."""
    actor.require_operator()
    _check(rt, match, credits_)
    actor.require_reason("to set a price")
    price_id = uuid4()
    async with rt.db.begin() as tx:
        now, known = await _begin_change(rt, tx)
        if (made := await repeats.earlier(tx, once, price_id)) is not None:
            return await _get(tx, made, now)
        if len(known) >= MAX_PRICES:
            raise InvalidRequest(
                f"There are {MAX_PRICES} current and upcoming prices, which is the limit: end some "
                "first."
            )
        price = Price(
            id=price_id, match=dict(match), credits=credits_, effective_at=effective_at or now
        )
        _check_instant(price.effective_at, now=now)
        _check_place(price, known)
        _check_ties([*known, price], price)
        await prices.add_price(tx, price, reason=actor.reason or "", actor=actor.name, at=now)
        await audit.record(
            tx, actor.name, "price.set", str(price.id), team_id=None, match=dict(match),
            credits=credits_, effective_at=price.effective_at.isoformat(), reason=actor.reason,
        )  # fmt: skip
        return await _get(tx, price.id, now)


async def withdraw_price(rt: Runtime, price_id: UUID, *, actor: Actor) -> ListedPrice:
    """It will not take effect. Raises `Forbidden`, `NotFound`, and `InvalidRequest` without a
    reason, if it has taken effect or was withdrawn, or if without it it would not be clear which
    of two others counts."""
    actor.require_operator()
    actor.require_reason("to withdraw a price")
    async with rt.db.begin() as tx:
        now, known = await _begin_change(rt, tx)
        listed = await _get(tx, price_id, now)
        if listed.state is not PriceState.UPCOMING:
            raise InvalidRequest(
                f"Price {price_id} is {listed.state.value}: only an upcoming price can be "
                "withdrawn. Set another one instead."
            )
        withdrawn = next(price for price in known if price.id == price_id)
        _check_ties([price for price in known if price.id != price_id], withdrawn)
        await prices.withdraw_price(
            tx, price_id, reason=actor.reason or "", actor=actor.name, at=now
        )
        await audit.record(
            tx, actor.name, "price.withdraw", str(price_id), team_id=None,
            match=dict(listed.match), credits=listed.credits,
            effective_at=listed.effective_at.isoformat(), reason=actor.reason,
        )  # fmt: skip
        return await _get(tx, price_id, now)


async def list_prices(
    rt: Runtime,
    *,
    state: PriceState | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
    actor: Actor,
) -> list[ListedPrice]:
    """Those that were set, the newest first. Raises `Forbidden`."""
    actor.require_operator()
    async with rt.db.single() as tx:
        return await prices.list_prices(
            tx, now=rt.clock.for_database(), state=state, after=after, limit=limit
        )


async def _begin_change(rt: Runtime, tx: Tx) -> tuple[datetime, list[Price]]:
    """This instant, and the prices that count or will. Until the end of the transaction nothing is
    admitted, and nobody else changes prices."""
    now = await prices.begin_change(tx, now=rt.clock.for_database())
    return now, list((await prices.read(tx, now=now)).prices)


async def _get(tx: Tx, price_id: UUID, now: datetime) -> ListedPrice:
    found = await prices.find_price(tx, price_id, now=now)
    if found is None:
        raise NotFound(f"There is no price {price_id}.")
    return found


def _check(rt: Runtime, match: Mapping[str, Any], credits_: int | None) -> None:
    issues = Rejections()
    check_match(rt.catalog, match, "match", issues)
    if credits_ is not None and not 1 <= credits_ <= MAX_PRICE:
        issues.add("credits", "value", f"must be from 1 to {MAX_PRICE}", value=credits_)
    if issues.issues:
        raise InvalidRequest(summary(issues.issues), issues=issues.issues)


def _check_instant(effective_at: datetime, *, now: datetime) -> None:
    if effective_at < now:
        message = "must not be in the past"
    elif effective_at > now + _LONGEST:
        message = "must be within a hundred years"
    else:
        return
    raise _invalid("effective_at", message, effective_at.isoformat())


def _check_place(price: Price, known: list[Price]) -> None:
    """One match has one price at an instant, and what is to end is there."""
    before = None
    for other in sorted(known, key=lambda each: each.effective_at):
        if other.match == price.match and other.effective_at == price.effective_at:
            raise _invalid(
                "effective_at",
                f"is that of price {other.id}, which matches the same; take another instant",
                price.effective_at.isoformat(),
            )
        if other.match == price.match and other.effective_at < price.effective_at:
            before = other
    if price.credits is None and (before is None or before.credits is None):
        raise _invalid("match", "has no price at that instant that could end", dict(price.match))


def _check_ties(would_be: list[Price], changed: Price) -> None:
    tie = tie_of(would_be, changed.match)
    if tie is not None:
        raise _invalid(
            "match",
            f"and that of price {tie.id}, {dict(tie.match)}, would have as many values, match the "
            "same requests and count at the same time: give one of them another value",
            dict(changed.match),
        )


def _invalid(field: str, message: str, value: Any) -> GatewayError:
    return InvalidRequest(issues=[Issue(field, "value", message, value)])
