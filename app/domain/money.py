"""What credits cost in money, for people who read euros. Pure, and exact: never a float.

Nothing is decided by it: limits, prices and the ledger count credits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import lru_cache
from itertools import pairwise

#: So many credits have the price that is configured.
CREDITS = 1000
_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) ([A-Z]{3})(?: from (\S+))?")
#: Decimals of currencies that do not have two (ISO 4217, 2026-01-01).
_DECIMALS = dict.fromkeys(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
     "VUV", "XAF", "XOF", "XPF"], 0,
) | dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3)  # fmt: skip
#: More digits than the largest sum of credits has at the highest price.
_DIGITS = 60


@dataclass(frozen=True, slots=True)
class Money:
    """`currency` is an ISO 4217 code. `amount` has the decimals of the currency."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class _Rate:
    """What `CREDITS` cost from an instant on; None: ever since."""

    amount: Decimal
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Rates:
    """What credits cost, in one currency. At least one rate, in the order of their instants."""

    currency: str
    rates: tuple[_Rate, ...]

    def exact(self, credits_: int, at: datetime) -> Decimal | None:
        """Not rounded. None where nothing is configured for that instant."""
        rate = None
        for each in self.rates:
            if each.since is None or each.since <= at:
                rate = each
        if rate is None:
            return None
        with localcontext(prec=_DIGITS):
            return credits_ * rate.amount / CREDITS

    def rounded(self, amount: Decimal) -> Money:
        """To the smallest unit of the currency, halves up."""
        unit = Decimal(1).scaleb(-_DECIMALS.get(self.currency, 2))
        with localcontext(prec=_DIGITS):
            return Money(amount.quantize(unit, rounding=ROUND_HALF_UP), self.currency)

    def money(self, credits_: int, at: datetime) -> Money | None:
        exact = self.exact(credits_, at)
        return None if exact is None else self.rounded(exact)

    def total(self, parts: Iterable[tuple[int, datetime]]) -> Money | None:
        """Of credits at their instants: added up exactly, and rounded once. None if one of them has
        no rate."""
        amount = Decimal(0)
        with localcontext(prec=_DIGITS):
            for credits_, at in parts:
                exact = self.exact(credits_, at)
                if exact is None:
                    return None
                amount += exact
        return self.rounded(amount)


@lru_cache(maxsize=4)
def parse_rates(text: str) -> Rates:
    """`0.35 EUR` is what a thousand credits cost; `0.35 EUR, 0.40 EUR from 2026-07-01T00:00:00Z`
    what they cost later. Raises `ValueError`."""
    rates, currencies = [], set()
    for part in text.split(","):
        found = _RATE.fullmatch(part.strip())
        if found is None:
            raise ValueError(
                f"{part.strip()!r} must be an amount and a currency for {CREDITS} credits, as in "
                "0.35 EUR, or 0.40 EUR from 2026-07-01T00:00:00Z"
            )
        rates.append(_Rate(Decimal(found[1]), None if found[3] is None else _instant(found[3])))
        currencies.add(found[2])
    if len(currencies) > 1:
        raise ValueError(f"it has several currencies, {', '.join(sorted(currencies))}; take one")
    for before, after in pairwise(rates):
        if after.since is None or (before.since is not None and before.since >= after.since):
            raise ValueError("each price after the first needs a later `from` than the one before")
    return Rates(currencies.pop(), tuple(rates))


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ValueError(f"{text!r} must be an instant with its offset, as in 2026-07-01T00:00:00Z")
    return found
