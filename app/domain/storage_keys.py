"""The paths under which the upstream stores videos, as its pages document them. Pure.

Callers see only paths of this form: anything else in their place may name the paying account, or be
a credential.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

MAX_KEYS = 10
#: `videos/YYYY_MM_DD_HH_mm_ss_ms_number.mp4`, alone or in a link. Host, bucket and query of a link
#: are dropped.
_KEY = re.compile(
    r"(?:https?://[^/?#]+/(?:asset\.1min\.ai/)?)?"
    r"((?:development/)?videos/[0-9]{4}(?:_[0-9]{2}){5}_[0-9]{1,3}_[0-9]{1,20}\.mp4)"
    r"(?:[?#].*)?",
    re.DOTALL,
)


def storage_keys(named: Iterable[str]) -> tuple[str, ...]:
    """The first documented paths in `named`."""
    found = (match[1] for match in map(_KEY.fullmatch, named) if match is not None)
    return tuple(islice(found, MAX_KEYS))
