"""How often somebody may fail to sign in."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from ipaddress import IPv6Address, ip_network

from app.errors import RateLimited
from app.http.client_address import Address

PER_MINUTE = 30
_STEP = 60.0 / PER_MINUTE
#: Addresses and key prefixes that are remembered; the one that failed longest ago goes first.
_MOST = 10_000


class Attempts:
    """Failures of each address, and of each key prefix, in this process (GCRA). Whoever signs in
    takes nothing."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._arrivals: OrderedDict[Hashable, float] = OrderedDict()

    def check(self, address: Address | None, prefix: str | None) -> None:
        """Raises `RateLimited` after too many failures."""
        now = self._now()
        over = max(
            self._arrivals.get(one, now) - now + _STEP - 60.0 for one in _of(address, prefix)
        )
        if over > 0:
            raise RateLimited(
                f"{PER_MINUTE} attempts to sign in a minute may fail; try again later.",
                retry_after_seconds=over,
                extra={"limit": "failed_sign_ins", "limit_value": PER_MINUTE},
            )

    def failed(self, address: Address | None, prefix: str | None) -> None:
        now = self._now()
        for one in _of(address, prefix):
            self._arrivals[one] = max(self._arrivals.pop(one, now), now) + _STEP
            if len(self._arrivals) > _MOST:
                self._arrivals.popitem(last=False)


def _of(address: Address | None, prefix: str | None) -> list[Hashable]:
    client: Hashable = address
    if isinstance(address, IPv6Address):
        # One client has at least a /64 network.
        client = ip_network((address, 64), strict=False)
    return [client, prefix] if prefix else [client]
