"""CORS, for web pages that the operator has named.

Keys are sent in headers that the page sets itself, and there are no cookies, so credentials are
never allowed. An origin that is not named gets no CORS headers.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import Forbidden
from app.http.errors import problem
from app.redaction import printable
from app.telemetry import logger

log = logger(__name__)

_SETTING = "REELGATE_CORS_ORIGINS"
#: An origin is a scheme, a name of at most 253 characters, and a port.
_SHOWN_CHARACTERS = 270
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
#: Request headers that a page may send, besides those that are always allowed.
_SENT = frozenset(
    {
        "api-key", "authorization", "cache-control", "content-type", "idempotency-key", "if-match",
        "if-none-match", "if-range", "last-event-id", "openai-beta", "openai-organization",
        "openai-project", "prefer", "range", "reelgate-metadata", "user-agent", "x-request-id",
    }
)  # fmt: skip
#: The SDKs of OpenAI and Luma, and those of OpenRouter, describe themselves in headers with these
#: prefixes.
_SENT_PREFIXES = ("x-stainless-", "x-openrouter-")
#: Response headers that a page may read, besides those that it always may.
_READ = ", ".join(
    (
        "X-Request-Id", "Retry-After", "RateLimit", "RateLimit-Policy", "Location",
        "Idempotent-Replayed", "Reelgate-Adjusted", "Reelgate-Warning", "Reelgate-Upstream",
        "Content-Range", "Accept-Ranges", "ETag", "Preference-Applied", "Content-Disposition",
        "x-should-retry", "openai-poll-after-ms", "Deprecation", "Sunset",
    )
)  # fmt: skip
#: The longest time that browsers cache a preflight response.
_KEPT_SECONDS = 7_200


class Cors:
    """Wraps every edge, so that pages can read errors too. `origins` are as browsers send them,
    such as `https://studio.example.com`: in any case, with or without the scheme's default port."""

    def __init__(self, app: ASGIApp, *, origins: Iterable[str]) -> None:
        self._app = app
        self._origins = frozenset(_as_sent(origin) for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        known = origin is not None and origin.lower() in self._origins
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            answer = _permission(headers) if known else _refusal(scope, origin or "")
            answer.headers["Vary"] = (
                "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
            )
            if known and origin is not None:
                answer.headers["Access-Control-Allow-Origin"] = origin
            await answer(scope, receive, send)
            return
        if not self._origins:
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = MutableHeaders(scope=message)
                # Also for an unknown origin: a cache must not give this response to another one.
                said.add_vary_header("Origin")
                if known and origin is not None:
                    said["Access-Control-Allow-Origin"] = origin
                    said["Access-Control-Expose-Headers"] = _READ
            await send(message)

        await self._app(scope, receive, sending)


def _permission(headers: Headers) -> Response:
    """Allows those of the requested headers that may be sent. The browser enforces it."""
    requested = [
        name.strip() for name in headers.get("access-control-request-headers", "").split(",")
    ]
    allowed = [name for name in requested if _may_be_sent(name.lower())]
    return Response(
        status_code=204,
        headers={
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Max-Age": str(_KEPT_SECONDS),
            **({"Access-Control-Allow-Headers": ", ".join(allowed)} if allowed else {}),
        },
    )


def _may_be_sent(name: str) -> bool:
    return name in _SENT or (
        name.startswith(_SENT_PREFIXES) and name.replace("-", "").isalnum() and name.isascii()
    )


def _refusal(scope: Scope, origin: str) -> Response:
    """A browser shows its page nothing of it: whoever looks for the reason does so here, in the
    browser's list of requests or in the log."""
    named = printable(origin[:_SHOWN_CHARACTERS])
    error = Forbidden(
        f"Pages of the origin '{named}' may not call this gateway: {_SETTING} does not list it.",
        extra={"origin": named, "setting": _SETTING},
    )
    scope["reelgate.error"] = error.code
    log.info("preflight_refused", origin=named, setting=_SETTING, path=scope["path"][:100])
    status, body = problem(error, str(scope.get("reelgate.request_id", "")))
    return JSONResponse(body, status, media_type="application/problem+json")


def _as_sent(origin: str) -> str:
    scheme, _, host = origin.lower().partition("://")
    return f"{scheme}://{host.removesuffix({'http': ':80', 'https': ':443'}.get(scheme, ''))}"
