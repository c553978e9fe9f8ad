"""Addresses as they go into headers, links and comparisons: in ASCII."""

from __future__ import annotations

from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

#: What a path may hold as it is (RFC 3986, 3.3); `%`, so that what is encoded stays so.
_PATH = "/%:@!$&'()*+,;=~"


def in_ascii(address: str) -> str:
    """The same address with its host in IDNA form and its path percent-encoded. Raises `ValueError`
    where its host is not a name that IDNA can write."""
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
    # Its tables take longer to load than most commands take.
    import idna

    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        raise ValueError("its host is not a name that IDNA can write") from None
