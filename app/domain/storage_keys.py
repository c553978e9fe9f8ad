"""Where the upstream keeps a video, as its pages document it. Pure.

A caller is shown a path of this form and no other: whatever else stands in its place may name the
paying account, or be a credential.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

MAX_KEYS = 10
#: `videos/YYYY_MM_DD_HH_mm_ss_ms_number.mp4`, alone or in a link: nothing of a link's host, bucket
#: and query is kept.
_KEY = re.compile(
    r"(?:https?://[^/?#]+/(?:asset\.1min\.ai/)?)?"
    r"((?:development/)?videos/[0-9]{4}(?:_[0-9]{2}){5}_[0-9]{1,3}_[0-9]{1,20}\.mp4)"
    r"(?:[?#].*)?",
    re.DOTALL,
)


def storage_keys(named: Iterable[str]) -> tuple[str, ...]:
    """The first of the documented keys in `named`."""
    found = (match[1] for match in map(_KEY.fullmatch, named) if match is not None)
    return tuple(islice(found, MAX_KEYS))
