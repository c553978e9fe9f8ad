"""The client's address: that of the connection, or the one that a trusted proxy reports."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]


def client_address(scope: Scope, trusted: Networks) -> Address | None:
    """The nearest address that is not a trusted proxy's. Each proxy appends the address that called
    it to `X-Forwarded-For`, so the header is read from its end, and only as far as the proxies are
    trusted: anybody can write what comes before."""
    client = scope.get("client")
    found = parse_address(client[0]) if client else None
    if found is None or not is_within(found, trusted):
        return found
    for entry in reversed(_forwarded_for(scope)):
        named = parse_address(_without_port(entry))
        if named is None:
            break
        found = named
        if not is_within(named, trusted):
            break
    return found


def parse_address(text: str) -> Address | None:
    try:
        return _parse(text.partition("%")[0])
    except ValueError:
        return None


#: What it keeps is short: everything else is refused, and not kept.
@lru_cache(1_024)
def _parse(text: str) -> Address:
    address = ip_address(text)
    # A dual-stack socket gives IPv4 clients an IPv6 form.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_within(address: Address, networks: Networks) -> bool:
    return any(address in network for network in networks)


def _forwarded_for(scope: Scope) -> list[str]:
    values = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return [entry.strip() for value in values for entry in value.decode("latin-1").split(",")]


def _without_port(entry: str) -> str:
    """Some proxies write `192.0.2.1:4711` and `[2001:db8::1]:4711`."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    host, _, port = entry.partition(":")
    return host if port.isdigit() and "." in host else entry
