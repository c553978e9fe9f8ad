"""Credits in money."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.money import Money, parse_rates

JULY = datetime(2026, 7, 1, tzinfo=UTC)
LARGEST = 10**15


@pytest.mark.parametrize(
    ("rate", "credits_", "amount"),
    [
        ("0.35 EUR", 150_000, "52.50"),
        ("0.35 EUR", 0, "0.00"),
        # Half a cent is a cent.
        ("0.005 EUR", 1000, "0.01"),
        ("0.004999999 EUR", 1000, "0.00"),
        ("0.35 JPY", 150_000, "53"),
        ("0.35 KWD", 1, "0.000"),
        ("0.5 KWD", 1, "0.001"),
        ("999999999.999999999 EUR", LARGEST, "999999999999999999000.00"),
    ],
)
def test_it_is_rounded_to_the_smallest_unit(rate: str, credits_: int, amount: str) -> None:
    found = parse_rates(rate).money(credits_, JULY)
    assert found == Money(Decimal(amount), rate[-3:])
    assert found is not None
    assert str(found.amount) == amount


def test_a_price_counts_from_its_instant_on() -> None:
    rates = parse_rates("0.35 EUR, 0.40 EUR from 2026-07-01T02:00:00+02:00")
    for at, amount in ((JULY - timedelta(microseconds=1), "0.35"), (JULY, "0.40")):
        assert rates.money(1000, at) == Money(Decimal(amount), "EUR")
    late = parse_rates("0.40 EUR from 2026-07-01T00:00:00Z")
    assert late.money(1000, JULY - timedelta(microseconds=1)) is None
    assert late.total([(1, JULY), (1, JULY - timedelta(microseconds=1))]) is None


@given(
    st.decimals(0, 10**6, places=9),
    st.lists(st.integers(0, LARGEST), min_size=1, max_size=20),
)
def test_a_total_is_that_of_the_credits(rate: Decimal, credits_: list[int]) -> None:
    """Whatever they are made of; a sum of rounded parts would not be."""
    rates = parse_rates(f"{rate:f} EUR")
    total = rates.total([(each, JULY) for each in credits_])
    assert total == rates.money(sum(credits_), JULY)
    assert total is not None
    off = Fraction(total.amount) - Fraction(rate) * sum(credits_) / 1000
    assert -Fraction(1, 200) < off <= Fraction(1, 200)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0,35 EUR", "as in 0.35 EUR"),
        ("0.35", "as in 0.35 EUR"),
        ("-1 EUR", "as in 0.35 EUR"),
        ("NaN EUR", "as in 0.35 EUR"),
        ("0.35 eur", "as in 0.35 EUR"),
        ("0.35 EUR, 0.4 USD from 2026-07-01T00:00:00Z", "several currencies, EUR, USD"),
        ("0.35 EUR, 0.4 EUR", "a later `from`"),
        ("1 EUR from 2026-07-01T00:00:00Z, 2 EUR from 2026-07-01T02:00:00+02:00", "later `from`"),
        ("0.35 EUR from 2026-07-01T00:00:00", "with its offset"),
        ("0.35 EUR from July", "with its offset"),
    ],
)
def test_a_wrong_price_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace(".", r"\.")):
        parse_rates(text)
