"""Which price a request has, against the plainest reading of the rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.domain.catalog.catalog import BUILT_IN
from app.domain.catalog.prices import DefaultPrice, PriceTable
from app.domain.catalog.spec import Spec
from app.domain.prices import Price, PriceChange, PriceList, tie_of
from app.errors import PriceUnknown
from tests.harness.specs import DURATIONS, RESOLUTIONS, luma

START = datetime(2026, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
REVISION = UUID(int=0)
MODELS = ("ray-v3", "ray-v2")
SPECS = [
    luma(prompt="x", model=model, duration=duration, resolution=resolution, loop=loop,
         aspect_ratio=ratio)
    for model, duration, resolution, loop, ratio in product(
        MODELS, DURATIONS, (None, *RESOLUTIONS), (None, True), (None, "16:9")
    )
]  # fmt: skip
#: Only one of the models has a default price.
DEFAULT = PriceTable(
    (
        DefaultPrice(feature="TEXT_TO_VIDEO", provider="luma", match={"model": "ray-v3"}, credits=1,
                     as_of=date(2026, 1, 1), source="test"),
    ),
    BUILT_IN,
)  # fmt: skip

matches = st.fixed_dictionaries(
    {"model": st.sampled_from(MODELS)},
    optional={
        "duration": st.sampled_from(DURATIONS),
        "resolution": st.sampled_from(RESOLUTIONS),
        "loop": st.just(True),
    },
)
instants = st.integers(0, 6).map(lambda hours: START + timedelta(hours=hours))


@st.composite
def price_lists(draw: st.DrawFn) -> list[Price]:
    """As they come about: what would make a tie is refused, and so is a second price of the same
    match at one instant."""
    kept: list[Price] = []
    wanted = st.tuples(matches, instants, st.none() | st.integers(2, 10**6))
    for number, (match, at, credits_) in enumerate(draw(st.lists(wanted, max_size=12))):
        price = Price(id=UUID(int=number), match=match, credits=credits_, effective_at=at)
        taken = any(each.match == match and each.effective_at == at for each in kept)
        if not taken and tie_of([*kept, price], match) is None:
            kept.append(price)
    return kept


def in_force(prices: Sequence[Price], at: datetime) -> list[Price]:
    """The latest of each match that has begun, where it costs something."""
    latest: dict[str, Price] = {}
    for price in sorted(prices, key=lambda each: each.effective_at):
        if price.effective_at <= at:
            latest[str(sorted(price.match.items()))] = price
    return [price for price in latest.values() if price.credits is not None]


def fits(match: Mapping[str, Any], spec: Spec) -> bool:
    return match.items() <= spec.to_json().items()


def expected(prices: Sequence[Price], spec: Spec, at: datetime) -> tuple[int, UUID | None] | None:
    found = [price for price in in_force(prices, at) if fits(price.match, spec)]
    if not found:
        return (1, None) if spec.model == "ray-v3" else None
    most = max(len(price.match) for price in found)
    (best,) = [price for price in found if len(price.match) == most]
    assert best.credits is not None
    return best.credits, best.id


def quoted(known: PriceList, spec: Spec, at: datetime) -> tuple[int, UUID | None] | None:
    try:
        quote = known.quote(spec, at=at)
    except PriceUnknown:
        return None
    return quote.credits, quote.price_id


def list_of(prices: Sequence[Price], read_at: datetime = START) -> PriceList:
    return PriceList(prices, default=DEFAULT, revision=REVISION, read_at=read_at)


@given(price_lists(), st.sampled_from(SPECS), instants)
def test_the_most_specific_price_in_force_counts(
    prices: list[Price], spec: Spec, at: datetime
) -> None:
    """There is exactly one, or the default, or none."""
    known = list_of(prices)
    for moment in (at - MICROSECOND, at, at + MICROSECOND):
        moment = max(moment, START)
        assert quoted(known, spec, moment) == expected(prices, spec, moment)


@given(price_lists(), st.sampled_from(SPECS), instants)
def test_a_quote_is_good_for_its_whole_time(prices: list[Price], spec: Spec, at: datetime) -> None:
    known = list_of(prices)
    found = quoted(known, spec, at)
    if found is None:
        return
    quote = known.quote(spec, at=at)
    assert quote.since is None or quote.since <= at
    assert quote.until is None or at < quote.until
    begin = START if quote.since is None else quote.since
    end = at + timedelta(days=1000) if quote.until is None else quote.until - MICROSECOND
    for moment in (begin, at, end):
        assert quoted(known, spec, moment) == found


@given(price_lists(), st.sampled_from(SPECS), instants)
def test_the_next_change_is_the_first_other_price(
    prices: list[Price], spec: Spec, at: datetime
) -> None:
    now = expected(prices, spec, at)
    change = None
    for moment in sorted({price.effective_at for price in prices}):
        then = expected(prices, spec, moment)
        if moment > at and (then and then[0]) != (now and now[0]):
            change = PriceChange(effective_at=moment, credits=then and then[0])
            break
    assert list_of(prices).next_change(spec, at=at) == change


@given(price_lists(), matches, instants, st.integers(2, 10**6))
def test_a_tie_is_what_some_request_would_meet(
    prices: list[Price], match: dict[str, Any], at: datetime, credits_: int
) -> None:
    """Refused if and only if two prices with equally many values are in force for one request."""
    price = Price(id=UUID(int=99), match=match, credits=credits_, effective_at=at)
    would_be = [p for p in prices if (p.match, p.effective_at) != (match, at)] + [price]

    def meets(spec: Spec, moment: datetime) -> bool:
        found = [p for p in in_force(would_be, moment) if fits(p.match, spec)]
        return len({len(p.match) for p in found}) < len(found)

    moments = {each.effective_at for each in would_be}
    met = any(meets(spec, moment) for spec in SPECS for moment in moments)
    assert (tie_of(would_be, match) is not None) is met
