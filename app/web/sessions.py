"""Plain ASGI: whose browser it is, for every edge that takes a key."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.db import sessions
from app.domain.sessions import Session
from app.errors import GatewayError, Unauthenticated
from app.http.access import SESSION
from app.runtime import ApiRuntime
from app.secrets import digest_of
from app.web import cookies, origin

#: A cookie is not looked at for what lies below: files, and what looks at it itself.
PAGES = "/app/"


class Sessions:
    """Looks up the session of a request that brings a cookie and no key. What is wrong with it is
    said by the edge, in its own form, once it wants to know the caller."""

    def __init__(self, app: ASGIApp, *, runtime: ApiRuntime) -> None:
        self._app = app
        self._rt = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(PAGES):
            secret = cookies.session_secret(scope, self._rt.settings)
            if secret is not None and not _has_key(scope):
                scope[SESSION] = await self._found(scope, secret)
        await self._app(scope, receive, send)

    async def _found(self, scope: Scope, secret: str) -> Session | GatewayError:
        try:
            origin.require_own(scope, self._rt.settings)
            return await find(self._rt, secret)
        except GatewayError as error:
            return error


def _has_key(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "api-key" in headers or "authorization" in headers


async def find(rt: ApiRuntime, secret: str) -> Session:
    """Raises `Unauthenticated`."""
    async with rt.db.single() as tx:
        session = await sessions.find(
            tx, digest_of(secret), idle_seconds=rt.settings.session_idle_seconds,
            now=rt.clock.for_database(),
        )  # fmt: skip
    if session is None:
        raise Unauthenticated("You are signed out: this session has ended.")
    return session
