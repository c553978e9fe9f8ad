"""Plain ASGI around every request: its id, its log line, and its metrics."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from secrets import token_hex

from starlette.datastructures import MutableHeaders
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.client_address import client_address
from app.runtime import ApiRuntime
from app.telemetry import begin_request, logger

log = logger(__name__)

#: Where a request carries its runtime: applications are made once, and keep none.
RUNTIME = "reelgate.runtime"
#: The address of its client, as `client_address` finds it.
ADDRESS = "reelgate.address"
PATHS = "reelgate.paths"
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._:-]{1,128}$")


class RequestContext:
    """Uses `X-Request-Id` or makes an id, returns it, and adds it to every log line."""

    def __init__(
        self, app: ASGIApp, *, runtime: ApiRuntime, paths: Callable[[], list[str]] = list
    ) -> None:
        """`paths` says what paths there are, when one was missed."""
        self._app = app
        self._rt = runtime
        self.paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0
        request_id = _request_id(scope)
        scope["reelgate.request_id"] = request_id
        scope["reelgate.started"] = started
        scope[RUNTIME] = self._rt
        scope[PATHS] = self.paths
        address = client_address(scope, self._rt.settings.trusted_proxies)
        scope[ADDRESS] = address
        begin_request(request_id, address=None if address is None else str(address))

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                # Unless a response says otherwise, it is for one member at one moment.
                headers.setdefault("Cache-Control", "no-store")
                headers.setdefault("X-Content-Type-Options", "nosniff")
                if self._rt.settings.simulated:
                    headers["Reelgate-Upstream"] = "simulator"
                self._count(scope, status, time.perf_counter() - started)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except asyncio.CancelledError:
            # The process is stopping and has waited for this request as long as it may. The server
            # would answer 500, as if the request had failed; closing the connection says that
            # nobody knows.
            abort = scope.get("reelgate.abort")
            if status == 0 and abort is not None:
                abort()
            raise
        except Exception:
            # The edges have already answered and logged this. Only the connection is left to close,
            # and the server's own traceback would repeat the log.
            if status == 0:
                raise
        finally:
            self._log(scope, status, time.perf_counter() - started)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        self._rt.metrics.observe_request(_route(scope), _method(scope), status, seconds)

    def _log(self, scope: Scope, status: int, seconds: float) -> None:
        route = _route(scope)
        quiet = route in ("/livez", "/readyz", "/metrics") and status < 500
        write = log.debug if quiet else log.info
        write(
            "request",
            method=_method(scope),
            # Without the query, which may contain signatures.
            path=scope["path"][:_MAX_PATH],
            status=status,
            error=scope.get("reelgate.error"),
            ms=round(seconds * 1000, 1),
        )


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given: str = value.decode("latin-1")
            if _REQUEST_ID.match(given):
                return given
    return token_hex(12)


#: Our own paths are shorter.
_MAX_PATH = 300
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _method(scope: Scope) -> str:
    """Bounded: anybody can invent methods, and each label value takes memory."""
    return scope["method"] if scope["method"] in _METHODS else "other"


def _route(scope: Scope) -> str:
    """The route's template, so that ids do not become label values."""
    route = scope.get("route")
    # If only a mount is left, nothing below it matched.
    path = None if isinstance(route, Mount) else getattr(route, "path", None)
    return f"{scope.get('root_path', '')}{path}" if path is not None else "unmatched"
