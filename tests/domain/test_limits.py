"""What counts as raising a credit limit."""

from __future__ import annotations

import pytest

from app.domain.accounts import Period
from app.domain.limits import raises_credits

Limit = tuple[int | None, Period]
NONE, DAY, WEEK, MONTH = Period.NONE, Period.DAY, Period.WEEK, Period.MONTH


@pytest.mark.parametrize(
    ("old", "new", "raised"),
    [
        ((5, NONE), (5, NONE), False),
        ((5, NONE), (6, NONE), True),
        ((5, NONE), (4, NONE), False),
        ((5, NONE), (None, NONE), True),
        ((None, NONE), (5, NONE), False),
        ((None, NONE), (None, DAY), False),
        # A limit that begins anew more often is more in the long run, even a lower one.
        ((5, NONE), (5, MONTH), True),
        ((5, MONTH), (5, WEEK), True),
        ((5, WEEK), (4, DAY), True),
        ((5, DAY), (5, WEEK), False),
        ((5, DAY), (5, NONE), False),
        ((5, DAY), (6, MONTH), True),
    ],
)
def test_a_raise_is_more_at_once_or_in_the_long_run(old: Limit, new: Limit, raised: bool) -> None:
    assert raises_credits(*old, *new) is raised
