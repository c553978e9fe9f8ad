"""How the API is served: uvicorn with the limits a public port needs.

uvicorn closes idle connections between requests but waits for ever for a request that has begun,
and bounds neither the head of a request nor the number of connections.
"""

from __future__ import annotations

import asyncio
import resource
from asyncio import Transport
from typing import Any, ClassVar

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.settings import Settings

#: Longer than the idle time of usual load balancers, so that they and not we close first.
KEEP_ALIVE_SECONDS = 75
#: Request line and headers together; more is no client of ours.
MAX_HEAD_BYTES = 65_536


class BoundedProtocol(HttpToolsProtocol):
    """Drops connections whose request head is slow or endless, and those above the limit."""

    head_seconds: ClassVar[float]
    max_connections: ClassVar[int]

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            transport.abort()
            return
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_timer is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._drop()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._head_timer is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        self._end_of_head()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_of_head()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._head_bytes = 0
        self._head_timer = asyncio.get_running_loop().call_later(self.head_seconds, self._drop)

    def _end_of_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _drop(self) -> None:
        self._end_of_head()
        if not self.transport.is_closing():
            self.transport.abort()


def server_config(app: ASGIApp, settings: Settings, **options: Any) -> uvicorn.Config:
    """`options` go to `uvicorn.Config`."""
    limits = {
        "head_seconds": settings.head_seconds,
        "max_connections": settings.max_connections,
    }
    return uvicorn.Config(
        app,
        http=type("LimitedProtocol", (BoundedProtocol,), limits),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(settings.drain_seconds),
        **options,
    )


def raise_file_limit() -> None:
    """Each connection is a file; the usual soft limit of 1,024 is below what one process serves."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
