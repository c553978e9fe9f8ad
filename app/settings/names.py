"""Names that are set and look like settings but are none. A process reports them at its start,
because a misspelled setting would otherwise be ignored silently."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

_OURS = ("REELGATE_", "ONEMIN_")
#: For docker-compose.yml, which reads the same `.env`.
OF_COMPOSE = frozenset({"REELGATE_VERSION", "REELGATE_PUBLISH"})
#: For callers: the examples in the documents use them.
OF_CALLERS = frozenset({"REELGATE_URL", "REELGATE_KEY"})
#: Variables that Kubernetes sets for a service with our prefix (`enableServiceLinks`).
_LINK = re.compile(
    r"\w+_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_LINK_VALUE = re.compile(r"(tcp|udp|sctp)://")
LINK_REMEDY = (
    "a service link of Kubernetes and no setting of yours: put `enableServiceLinks: false` into "
    "the pod, or name the service otherwise"
)
#: The similarity, up to 1, from which a name counts as another one misspelled.
_ALIKE = 0.85


@dataclass(frozen=True, slots=True)
class UnknownName:
    """Without its value, which may be a secret."""

    name: str
    detail: str


def is_service_link(value: object) -> bool:
    return isinstance(value, str) and _LINK_VALUE.match(value) is not None


def unknown_names(given: Mapping[str, str], settings: Iterable[str]) -> tuple[UnknownName, ...]:
    """The given names that are not settings but look like ours, or like a setting that is not
    given."""
    known = set(settings)
    missing = known - given.keys()
    found, links = [], []
    for name in sorted(given.keys() - known - OF_COMPOSE - OF_CALLERS):
        ours = name.startswith(_OURS)
        if ours and (_LINK.fullmatch(name) or is_service_link(given[name])):
            links.append(name)
            continue
        bare = name.removeprefix("REELGATE_")
        nearest = bare if bare in known else _nearest(name, frozenset(known if ours else missing))
        if ours or nearest:
            meant = f": {nearest} is one" if nearest else ""
            found.append(UnknownName(name, f"no setting of Reelgate has this name{meant}"))
    if links:
        found.append(UnknownName(", ".join(links), LINK_REMEDY))
    return tuple(found)


@lru_cache(maxsize=512)
def _nearest(name: str, among: frozenset[str]) -> str | None:
    # Settings are read more than once, by some commands and in tests.
    return next(iter(difflib.get_close_matches(name, sorted(among), 1, _ALIKE)), None)
