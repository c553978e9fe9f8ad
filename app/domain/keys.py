"""What a key may do less than its member."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from app.domain.limits import check_bound
from app.errors import InvalidRequest, Issue

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_ADDRESSES = 50


class Scope(StrEnum):
    """What a key is for: to create and change; to look; to act for the whole team, as its
    administrator; to operate the gateway. The last two only give what its member's role does."""

    GENERATE = "generate"
    READ = "read"
    TEAM = "team"
    OPERATE = "operate"


ALL_SCOPES = tuple(Scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restrictions:
    """None: no restriction of the key's own; its member's limits apply beside them. `addresses` are
    networks in CIDR notation from which it may be used."""

    rate_per_minute: int | None = None
    rate_burst: int | None = None
    max_open: int | None = None
    models: tuple[str, ...] | None = None
    addresses: tuple[str, ...] | None = None
    scopes: tuple[Scope, ...] = ALL_SCOPES

    def checked(self, known_models: Collection[str]) -> Restrictions:
        """In one form: a burst beside each rate, models and networks as they are compared. Raises
        `InvalidRequest`."""
        if self.rate_burst is not None and self.rate_per_minute is None:
            raise _wrong("rate_burst", "needs a rate_per_minute beside it", self.rate_burst)
        for name in ("rate_per_minute", "rate_burst", "max_open"):
            value = getattr(self, name)
            if value is not None:
                check_bound(name, value)
        if not self.scopes:
            raise _wrong("scopes", f"must name one or more of {', '.join(Scope)}", [])
        return replace(
            self,
            rate_burst=self.rate_burst or self.rate_per_minute,
            models=None if self.models is None else _models(self.models, known_models),
            addresses=None if self.addresses is None else _networks(self.addresses),
            scopes=tuple(scope for scope in Scope if scope in self.scopes),
        )

    def allows(self, other: Restrictions) -> bool:
        """Whether a key with the other ones may do no more than one with these."""
        return (
            set(other.scopes) <= set(self.scopes)
            and (self.models is None or _are_among(other.models, self.models))
            and (self.addresses is None or _are_within(other.addresses, self.addresses))
            and all(
                most is None or (given is not None and given <= most)
                for most, given in (
                    (self.rate_per_minute, other.rate_per_minute),
                    (self.rate_burst, other.rate_burst),
                    (self.max_open, other.max_open),
                )
            )
        )


#: What a key may that nobody restricted.
UNRESTRICTED = Restrictions()


def _are_within(inner: Sequence[str] | None, outer: Sequence[str]) -> bool:
    networks = [ipaddress.ip_network(each) for each in outer]
    return inner is not None and all(
        any(_is_subnet(ipaddress.ip_network(each), network) for network in networks)
        for each in inner
    )


def _is_subnet(inner: Network, outer: Network) -> bool:
    return inner.network_address in outer and inner.prefixlen >= outer.prefixlen


def _are_among(inner: Sequence[str] | None, outer: Sequence[str]) -> bool:
    return inner is not None and set(inner) <= set(outer)


def _models(models: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    unknown = [model for model in models if model not in known]
    if unknown or not models:
        raise _wrong("models", f"must be one or more of {', '.join(known)}", list(models))
    return tuple(dict.fromkeys(models))


def _networks(addresses: Sequence[str]) -> tuple[str, ...]:
    message = "must be addresses or networks, as in 192.0.2.7 or 2001:db8::/32"
    if not 1 <= len(addresses) <= MAX_ADDRESSES:
        most = f"{message}; at least one, and at most {MAX_ADDRESSES}"
        raise _wrong("addresses", most, len(addresses))
    found = []
    for address in addresses:
        try:
            found.append(str(ipaddress.ip_network(address)))
        except ValueError:
            raise _wrong("addresses", message, address) from None
    return tuple(dict.fromkeys(found))


def _wrong(field: str, message: str, value: object) -> InvalidRequest:
    return InvalidRequest(issues=[Issue(field, "value", message, value)])
