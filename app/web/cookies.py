"""The cookie of a signed-in browser."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from app.settings import Settings

#: Browsers take this prefix only from https, for this host alone and for every path (RFC 6265bis,
#: 4.1.3.2), so no neighbour can plant one.
_SECURE = "__Host-reelgate"
_PLAIN = "reelgate"


def session_secret(scope: Scope, settings: Settings) -> str | None:
    """What the browser sent, if it sent one."""
    return sent(scope, settings)


def sent(scope: Scope, settings: Settings, suffix: str = "") -> str | None:
    """A cookie of ours. That of a session has no suffix."""
    name = _name(settings) + suffix
    for header in Headers(scope=scope).getlist("cookie"):
        for part in header.split(";"):
            key, _, value = part.strip().partition("=")
            if key == name and value:
                return value
    return None


def give(response: Response, secret: str, settings: Settings) -> None:
    put(response, secret, settings, seconds=int(settings.session_seconds))


def take_back(response: Response, settings: Settings) -> None:
    put(response, "", settings, seconds=0)


def put(
    response: Response, value: str, settings: Settings, *, suffix: str = "", seconds: int
) -> None:
    response.set_cookie(
        _name(settings) + suffix, value, max_age=seconds, path="/", httponly=True, samesite="lax",
        secure=_is_https(settings),
    )  # fmt: skip


def _name(settings: Settings) -> str:
    return _SECURE if _is_https(settings) else _PLAIN


def _is_https(settings: Settings) -> bool:
    return urlsplit(settings.link_base).scheme == "https"
