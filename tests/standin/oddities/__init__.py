"""Every oddity there is, by name."""

from __future__ import annotations

from itertools import chain

from tests.standin.oddities import (
    connections,
    documents,
    downloads,
    echoes,
    framing,
    heads,
    informational,
    packing,
    redirects,
    refusals,
    results,
    states,
)
from tests.standin.script import Oddity

_FILES = (
    heads, informational, framing, packing, documents, redirects, refusals, states, echoes,
    results, connections, downloads,
)  # fmt: skip


def _by_name() -> dict[str, Oddity]:
    found: dict[str, Oddity] = {}
    for oddity in chain.from_iterable(file.ODDITIES for file in _FILES):
        assert oddity.name not in found, oddity.name
        found[oddity.name] = oddity
    return found


ODDITIES = _by_name()
