"""Credits in money, beside them where people read them."""

from __future__ import annotations

from datetime import datetime

from app.domain.money import Money, Rates, parse_rates
from app.runtime import Runtime


def rates(rt: Runtime) -> Rates | None:
    """None if no price of credits is configured."""
    text = rt.settings.money_per_1000_credits
    return None if text is None else parse_rates(text)


def money(rt: Runtime, credits_: int, at: datetime) -> Money | None:
    """What these credits cost at that instant, rounded to the smallest unit of the currency, halves
    up. None where no price is configured for it."""
    known = rates(rt)
    return None if known is None else known.money(credits_, at)
