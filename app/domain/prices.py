"""Prices with effective dates, and what a request costs by them at an instant. Pure.

A price matches requests that have all of its values: a model, and any other fields of a Spec. Of
those that match, the one with the most values counts. So two with equally many, that could match
the same request at the same time, are refused when the second one is set. What no price matches has
the default price, of the price file.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain.catalog.prices import PriceTable
from app.domain.catalog.spec import Spec
from app.errors import PriceUnknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What matches costs `credits` from `effective_at` on, until the next price of the same match.
    None: from then on there is no price of this match."""

    id: UUID
    match: Mapping[str, Any]
    credits: int | None
    effective_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a request costs. `price_id` is None for the default. It was read in the list with this
    `revision`, in which nothing changes at or after `since` and before `until`; None: ever."""

    credits: int
    price_id: UUID | None
    revision: UUID
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChange:
    """What something will cost from then on; None: it will have no price."""

    effective_at: datetime
    credits: int | None


class PriceList:
    """All prices that count at `read_at` or will later."""

    def __init__(
        self, prices: Iterable[Price], *, default: PriceTable, revision: UUID, read_at: datetime
    ) -> None:
        self.revision = revision
        self.read_at = read_at
        self._default = default
        self._of_match = _by_match(prices)
        self._changes = sorted(
            {price.effective_at for same in self._of_match for price in same.prices}
        )

    def quote(self, spec: Spec, *, at: datetime) -> Quote:
        """At an instant that is not before `read_at`; an earlier one stands for that. Raises
        `PriceUnknown`."""
        at = max(at, self.read_at)
        credits_, price_id = self._price(spec, self._matching(spec), at)
        passed = bisect_right(self._changes, at)
        return Quote(
            credits=credits_,
            price_id=price_id,
            revision=self.revision,
            since=self._changes[passed - 1] if passed else None,
            until=self._changes[passed] if passed < len(self._changes) else None,
        )

    def next_change(self, spec: Spec, *, at: datetime) -> PriceChange | None:
        """When the request will cost something else, if that is known."""
        at, matching = max(at, self.read_at), list(self._matching(spec))
        now = self._credits(spec, matching, at)
        for effective_at in sorted({p.effective_at for same in matching for p in same.prices}):
            if effective_at > at:
                then = self._credits(spec, matching, effective_at)
                if then != now:
                    return PriceChange(effective_at=effective_at, credits=then)
        return None

    def _matching(self, spec: Spec) -> Iterator[_SameMatch]:
        """The most specific first."""
        values = spec.to_json()
        return (same for same in self._of_match if covers(same.match, values))

    def _price(
        self, spec: Spec, matching: Iterable[_SameMatch], at: datetime
    ) -> tuple[int, UUID | None]:
        for same in matching:
            price = same.at(at)
            if price is not None and price.credits is not None:
                return price.credits, price.id
        return self._default.quote(spec), None

    def _credits(self, spec: Spec, matching: Iterable[_SameMatch], at: datetime) -> int | None:
        try:
            return self._price(spec, matching, at)[0]
        except PriceUnknown:
            return None


def covers(match: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Whether a Spec with these values has all of the match."""
    return all(name in values and values[name] == wanted for name, wanted in match.items())


def tie_of(prices: Sequence[Price], match: Mapping[str, Any]) -> Price | None:
    """A price with as many values as this match that could match the same request, and counts at
    the same time as a price of this match; None if there is no such thing."""
    own = next((same for same in _by_match(prices) if same.match == match), None)
    if own is None:
        return None
    for other in _by_match(prices):
        if len(other.match) == len(match) and other.match != match and _compatible(other, own):
            for price, until in other.spans():
                if any(_overlap(price, until, *span) for span in own.spans()):
                    return price
    return None


@dataclass(frozen=True, slots=True)
class _SameMatch:
    """All prices of one match, in the order of their instants."""

    match: Mapping[str, Any]
    prices: Sequence[Price]

    def at(self, at: datetime) -> Price | None:
        begun = bisect_right(self.prices, at, key=lambda price: price.effective_at)
        return self.prices[begun - 1] if begun else None

    def spans(self) -> Iterator[tuple[Price, datetime | None]]:
        """Each that costs something, and when it is over."""
        ends = [price.effective_at for price in self.prices[1:]]
        for price, until in zip(self.prices, [*ends, None], strict=True):
            if price.credits is not None:
                yield price, until


def _by_match(prices: Iterable[Price]) -> list[_SameMatch]:
    """The most specific first."""
    found: dict[frozenset[tuple[str, Any]], list[Price]] = {}
    for price in prices:
        found.setdefault(frozenset(price.match.items()), []).append(price)
    grouped = [
        _SameMatch(same[0].match, sorted(same, key=lambda price: price.effective_at))
        for same in found.values()
    ]
    return sorted(grouped, key=lambda same: -len(same.match))


def _compatible(one: _SameMatch, other: _SameMatch) -> bool:
    """Whether a request can have the values of both."""
    return all(other.match.get(name, wanted) == wanted for name, wanted in one.match.items())


def _overlap(
    one: Price, one_until: datetime | None, other: Price, other_until: datetime | None
) -> bool:
    return (other_until is None or one.effective_at < other_until) and (
        one_until is None or other.effective_at < one_until
    )
