"""Which tests begin first: a long one that begins last ends the run alone, on one core."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TypeVar

#: Folders and files by how long they take, longest first. What shares a gateway stays together.
LONGEST = (
    "tests/clients/",
    "tests/web/",
    "tests/documents/",
    "tests/storms/test_storms.py",
    "tests/chaos/test_chaos.py",
    "tests/promises/",
)
_Test = TypeVar("_Test")


def deal(tests: Sequence[tuple[str, _Test]], processes: int) -> list[_Test]:
    """The tests, each with its id, in parts of equal length, one for each process: `--dist
    worksteal` cuts the list so. The longest are dealt out, and are the first of their parts."""
    hands: list[list[_Test]] = [[] for _ in range(processes)]
    for number, prefix in enumerate(LONGEST):
        hands[number % processes] += [test for name, test in tests if name.startswith(prefix)]
    others = (test for name, test in tests if not name.startswith(LONGEST))
    dealt: list[_Test] = []
    for number, hand in enumerate(hands):
        size = (len(tests) - len(dealt)) // (processes - number)
        dealt += [*hand, *islice(others, max(0, size - len(hand)))]
    return dealt
