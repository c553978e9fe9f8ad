"""The longest tests begin first, and no test is lost or run twice for it."""

from __future__ import annotations

import pytest

from tests.harness.order import LONGEST, deal
from tests.structure.sources import ROOT

_OTHERS = [f"tests/http/test_{number}" for number in range(40)]
_NAMES = sorted([*_OTHERS, *(f"{prefix}::{n}" for prefix in LONGEST for n in "ab")])


@pytest.mark.parametrize("processes", [1, 2, 3, 4])
def test_every_process_begins_with_a_longest(processes: int) -> None:
    dealt = deal([(name, name) for name in _NAMES], processes)
    assert sorted(dealt) == _NAMES
    begin = 0
    for number in range(processes):
        assert dealt[begin].startswith(LONGEST[number])
        begin += (len(dealt) - begin) // (processes - number)


def test_a_run_of_the_longest_alone_has_all_of_them() -> None:
    names = [name for name in _NAMES if name.startswith(LONGEST[:2])]
    assert sorted(deal([(name, name) for name in names], 3)) == names


def test_others_keep_their_order() -> None:
    """Those of one folder share what it starts."""
    dealt = deal([(name, name) for name in _NAMES], 3)
    assert [name for name in dealt if name in _OTHERS] == [n for n in _NAMES if n in _OTHERS]


@pytest.mark.parametrize("prefix", LONGEST)
def test_what_is_long_is_there(prefix: str) -> None:
    assert (ROOT / prefix).exists()
