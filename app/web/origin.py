"""Whether a request that changes something comes from our own pages.

A browser sends its cookie with what other sites make it send. Such a request lacks our header,
which a page of another origin may not add unless we allow it, and it says where it comes from.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from app.errors import Forbidden
from app.settings import Settings

#: Sent by our pages with everything that changes something.
HEADER = "X-Reelgate"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def require_own(scope: Scope, settings: Settings) -> None:
    """Raises `Forbidden` for a change that another site may have caused."""
    if scope["method"] in _SAFE:
        return
    headers = Headers(scope=scope)
    if headers.get(HEADER) != "1" or not _is_own(headers, settings):
        raise Forbidden(
            "A signed-in browser changes something only from the gateway's own pages: with the "
            f"header `{HEADER}: 1` and from their origin. Programs send a key."
        )


def _is_own(headers: Headers, settings: Settings) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    # Browsers say that only to https and to this machine; their `Origin` they always send.
    parts = urlsplit(headers.get("origin", ""))
    own = urlsplit(settings.link_base).netloc
    return parts.scheme in ("http", "https") and parts.netloc in (own, headers.get("host"))
