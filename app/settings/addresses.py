"""Addresses in the settings, in ASCII as headers, links and comparisons need them."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

#: Characters that stay in a path (RFC 3986, 3.3), including `%`, so that encoded ones stay encoded.
_PATH = "/%:@!$&'()*+,;=~"


def in_ascii(address: str) -> str:
    """The same address with its host in IDNA form and its path percent-encoded. Raises `ValueError`
    if its host cannot be written in IDNA."""
    if address.isascii():
        return address
    parts = urlsplit(address)
    netloc = host_in_ascii(parts.hostname or "")
    if parts.port is not None:
        netloc = f"{netloc}:{parts.port}"
    path = quote(parts.path, safe=_PATH)
    return urlunsplit(SplitResult(parts.scheme, netloc, path, "", ""))


def host_in_ascii(host: str) -> str:
    """The name of a host in IDNA form. Raises `ValueError`."""
    if host.isascii():
        return host
    # Loading its tables takes longer than most commands run.
    import idna

    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        raise ValueError("its host is not a name that IDNA can write") from None


def _read(value: str) -> SplitResult:
    """Raises `ValueError`, without the value: what stands for the port may be a password."""
    parts = urlsplit(value)
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("its port must be a number, at most 65535") from None
    return parts


def _absolute_http_url(value: str) -> str:
    parts = _read(value)
    bare = not parts.query and "@" not in parts.netloc
    if parts.scheme not in ("http", "https") or not parts.hostname or not bare:
        raise ValueError("must be an http:// or https:// address without a query or a password")
    return in_ascii(value.rstrip("/"))


def _origin(value: str) -> str:
    parts = _read(value)
    bare = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme not in ("http", "https") or not parts.hostname or value != bare:
        raise ValueError("must be origins such as https://studio.example.com: no path, no `*`")
    return in_ascii(value)


def _proxy_address(value: SecretStr) -> SecretStr:
    try:
        parts = _read(value.get_secret_value())
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port is not None
    except ValueError:
        sound = False
    if not sound or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(
            "must be http://host:port or https://host:port, with user:password@ before the host "
            "where the proxy wants them, special characters as %XX"
        )
    return value


def _network(value: str) -> IPv4Network | IPv6Network:
    """A network, or one address of it: `10.0.0.1/8` is `10.0.0.0/8`. Raises `ValueError`."""
    try:
        return ip_network(value, strict=False)
    except ValueError:
        raise ValueError("must be addresses or networks such as 10.0.0.0/8, and no names") from None


HttpAddress = Annotated[str, AfterValidator(_absolute_http_url)]
Origin = Annotated[str, AfterValidator(_origin)]
Host = Annotated[str, AfterValidator(host_in_ascii)]
ProxyAddress = Annotated[SecretStr, AfterValidator(_proxy_address)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
