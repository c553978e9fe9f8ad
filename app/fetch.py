"""The one way anything is fetched by its URL: checked, pinned to the checked address, redirected by
hand.

The URL comes from someone else, so it may name anything. What is checked must be what is connected
to: the host is resolved here once, every address it has must be public, and the connection goes to
that address while TLS is still verified for the name (httpcore hands `sni_hostname` to the TLS
layer as the server's name, which is also the name the certificate is matched with).

    FetchError
    ├── Refused       the policy forbids it; asking again changes nothing
    └── FetchFailed   the network failed; `reason` is unresolved, unreachable, timeout or reset

Every other error that is raised inside a `stream` block is the caller's own.

No message holds a path or a query: a presigned query is a credential.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from app.http_client import HttpClient, RequestFailed, Response

#: The addresses of a host, in the order they should be tried. Raises `OSError`.
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

RESOLVE_SECONDS = 10.0
#: Addresses of a host that are tried before giving up: names with IPv4 and IPv6 need two.
MAX_ADDRESSES = 4

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: Headers that may follow a redirect to another origin; all others are for the first only.
_TRAVELLING = frozenset({"range", "if-range", "accept", "user-agent"})
#: Ranges that Python calls global but that lead elsewhere: the dummy and relay addresses of IPv4,
#: and the IPv6 ranges that embed an IPv4 address or are for documentation.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(text)
    for text in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20")
)
_UNICAST_V6 = ipaddress.ip_network("2000::/3")


class FetchError(Exception):
    """The root. Its message contains at most a host name."""


class Refused(FetchError):
    """The policy forbids this URL, an address of its host, or a redirect it gave."""


class FetchFailed(FetchError):
    def __init__(self, message: str, *, reason: str) -> None:
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPolicy:
    """What may be fetched.

    `hosts` are exact lower-case names, None allows any public host. A trusted origin is
    `scheme://host:port`; it may be plain HTTP, any port and a private address, and is meant for the
    simulator alone. With `max_redirects=0` a redirect is an answer like any other.
    """

    hosts: frozenset[str] | None
    trusted_origins: frozenset[str] = frozenset()
    ports: frozenset[int] = frozenset({443})
    max_redirects: int = 3


@dataclass(frozen=True, slots=True)
class _Target:
    """A URL that passed the policy. `origin` always names the port."""

    url: httpx.URL
    host: str
    port: int
    origin: str
    trusted: bool


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """The addresses that the operating system would connect to, in its order of preference."""
    loop = asyncio.get_running_loop()
    return _each_once(await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))


async def resolver_apart(host: str, port: int) -> Sequence[str]:
    """The same, in a thread of its own, for names that anybody may have chosen. An event loop
    resolves only a few names at a time for all its clients, and a name whose servers never answer
    takes half a minute. The thread of an abandoned look-up ends by itself and delays no stop."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[Sequence[str]] = loop.create_future()

    def tell(addresses: Sequence[str]) -> None:
        if not found.done():
            found.set_result(addresses)

    def look() -> None:
        addresses: Sequence[str] = ()
        # None means that the name has no address.
        with contextlib.suppress(OSError, UnicodeError):
            addresses = _each_once(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        # The loop may be closed by now.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(tell, addresses)

    threading.Thread(target=look, name="resolver", daemon=True).start()
    return await found


def _each_once(found: Sequence[tuple[Any, ...]]) -> Sequence[str]:
    """The addresses of a look-up without duplicates, in order."""
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if not ip.is_global or ip.is_multicast or ip.is_reserved or ip.is_unspecified:
        return False
    if ip.version == 6 and ip not in _UNICAST_V6:
        # Mapped, translated, compatible or local: anything but ordinary unicast.
        return False
    return not any(ip in network for network in _NOT_PUBLIC if network.version == ip.version)


class GuardedFetcher:
    """Fetches what a policy allows. If `client` uses a proxy, that resolves the names, and their
    addresses are not checked here: the policy has to name the hosts."""

    def __init__(
        self,
        client: HttpClient,
        policy: FetchPolicy,
        *,
        resolver: Resolver = system_resolver,
    ) -> None:
        if client.proxied and policy.hosts is None:
            raise ValueError("through a proxy, only named hosts are fetched from")
        self._client = client
        self._policy = policy
        self._resolver = resolver
        self._trusted = frozenset(_origin(httpx.URL(text)) for text in policy.trusted_origins)

    def permit(self, url: str) -> None:
        """Raises `Refused` if the policy forbids this URL, whatever it resolves to."""
        self._check(url)

    @asynccontextmanager
    async def stream(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        content: bytes | None = None,
    ) -> AsyncIterator[Response]:
        """The response, before its body is read. Raises `Refused` and `FetchFailed`, also while the
        body is read inside the block. Any status is a response."""
        target, kept = self._check(url), dict(headers or {})
        for _ in range(self._policy.max_redirects + 1):
            async with self._sent(target, kept, method, content) as response:
                location = response.headers.get("location")
                # Only a GET may be repeated elsewhere.
                followed = method == "GET" and self._policy.max_redirects > 0
                if response.status_code not in _REDIRECTS or location is None or not followed:
                    yield response
                    return
            following = self._check(_joined(target.url, location))
            if following.origin != target.origin:
                kept = {k: v for k, v in kept.items() if k.lower() in _TRAVELLING}
            target = following
        raise Refused(f"{target.host} is one redirect too many.")

    def _check(self, text: str) -> _Target:
        """The target of a URL that the policy allows. Checks only the URL."""
        url = _parsed(text)
        host = url.raw_host.decode("ascii")
        shown = host if re.fullmatch(r"[0-9a-z.:_-]{1,253}", host) else "a host with no sound name"
        if url.userinfo:
            raise Refused(f"A URL at {shown} carries a user name or password.")
        origin = _origin(url)
        port = _port(url)
        if origin in self._trusted:
            return _Target(url, host, port, origin, trusted=True)
        if url.scheme != "https":
            raise Refused(f"Only https is fetched, and the URL at {shown} is not.")
        if port not in self._policy.ports:
            raise Refused(f"Port {port} of {shown} is not allowed.")
        if host != shown or host.endswith("."):
            raise Refused(f"{shown} is not a host that is fetched from.")
        if self._policy.hosts is not None and host not in self._policy.hosts:
            raise Refused(f"{shown} is not among the hosts that are fetched from.")
        return _Target(url, host, port, origin, trusted=False)

    async def _addresses(self, target: _Target) -> list[str]:
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                found = await self._resolver(target.host, target.port)
        except (OSError, UnicodeError):
            found = ()
        if not found:
            raise FetchFailed(f"{target.host} cannot be resolved.", reason="unresolved")
        # A private address among public ones is how DNS rebinding begins.
        if not target.trusted and not all(is_public(address) for address in found):
            raise Refused(f"{target.host} leads to an address that is not public.")
        return list(found)[:MAX_ADDRESSES]

    @asynccontextmanager
    async def _sent(
        self, target: _Target, headers: dict[str, str], method: str, content: bytes | None
    ) -> AsyncIterator[Response]:
        """The response of the first address that accepts the connection. An address that does not
        accept it was sent nothing, so trying the next one is safe even for a POST."""
        addresses = [target.host] if self._client.proxied else await self._addresses(target)
        for address in addresses:
            try:
                async with self._client.stream(
                    method,
                    target.url.copy_with(host=address, fragment=None),
                    headers={**headers, "Host": target.url.netloc.decode("ascii")},
                    content=content,
                    server_name=target.host,
                ) as response:
                    yield response
                    return
            except RequestFailed as failed:
                if failed.may_have_left or address == addresses[-1]:
                    raise _failure(failed) from None


def _parsed(text: str) -> httpx.URL:
    """Parsed with the parser that the connection uses, so that both see the same host."""
    if not re.fullmatch(r"[!-~]{1,8192}", text) or "\\" in text:
        raise Refused("A URL holds characters that no URL has.")
    try:
        url = httpx.URL(text)
    # Also UnicodeError, for a host name that cannot be encoded.
    except (httpx.InvalidURL, ValueError):
        raise Refused("A URL cannot be read.") from None
    if not url.raw_host or url.scheme not in ("http", "https"):
        raise Refused("Only a full https URL is fetched.")
    return url


def _joined(base: httpx.URL, location: str) -> str:
    if not re.fullmatch(r"[!-~]{1,8192}", location) or "\\" in location:
        raise Refused("A redirect holds characters that no URL has.")
    try:
        return str(base.join(location))
    except (httpx.InvalidURL, ValueError):
        raise Refused("A redirect cannot be read.") from None


def _port(url: httpx.URL) -> int:
    if url.port is not None:
        return url.port
    return 443 if url.scheme == "https" else 80


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.raw_host.decode('ascii')}:{_port(url)}"


def _failure(failed: RequestFailed) -> FetchFailed:
    if failed.reason == "unreachable":
        return FetchFailed("The host could not be reached.", reason="unreachable")
    if failed.reason == "timeout":
        return FetchFailed("The host stopped answering.", reason="timeout")
    return FetchFailed("The connection broke.", reason="reset")
