"""Names that were set and are no settings, although they look like ours. A process says them when
it starts: what is misspelt would else be left out without a word."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_OURS = ("REELGATE_", "ONEMIN_")
#: Of docker-compose.yml, which fills itself in from the same `.env`.
OF_COMPOSE = frozenset({"REELGATE_VERSION", "REELGATE_PUBLISH"})
#: Of callers: the documents' examples use them.
OF_CALLERS = frozenset({"REELGATE_URL", "REELGATE_KEY"})
#: What Kubernetes sets for a service (`enableServiceLinks`) whose name begins like ours.
_LINK = re.compile(
    r"\w+_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_LINK_VALUE = re.compile(r"(tcp|udp|sctp)://")
LINK_REMEDY = (
    "a service link of Kubernetes and no setting of yours: put `enableServiceLinks: false` into "
    "the pod, or name the service otherwise"
)
#: How alike two names are, of 1, where one is taken for the other misspelt.
_ALIKE = 0.85


@dataclass(frozen=True, slots=True)
class UnknownName:
    """Without its value: that may be a secret."""

    name: str
    detail: str


def is_service_link(value: object) -> bool:
    return isinstance(value, str) and _LINK_VALUE.match(value) is not None


def unknown_names(given: Mapping[str, str], settings: Iterable[str]) -> tuple[UnknownName, ...]:
    """Those of the given names that are no settings and look like ours, or like one of ours that
    is not given."""
    known = set(settings)
    missing = known - given.keys()
    found, links = [], []
    for name in sorted(given.keys() - known - OF_COMPOSE - OF_CALLERS):
        ours = name.startswith(_OURS)
        if ours and (_LINK.fullmatch(name) or is_service_link(given[name])):
            links.append(name)
            continue
        among = sorted(known if ours else missing)
        bare = name.removeprefix("REELGATE_")
        nearest = [bare] if bare in known else difflib.get_close_matches(name, among, 1, _ALIKE)
        if ours or nearest:
            meant = f": {nearest[0]} is one" if nearest else ""
            found.append(UnknownName(name, f"no setting of Reelgate has this name{meant}"))
    if links:
        found.append(UnknownName(", ".join(links), LINK_REMEDY))
    return tuple(found)
