"""How the API is served: uvicorn with the limits a public port needs, and a stop that drops nobody.

uvicorn closes idle connections between requests but waits for ever for a request that has begun,
and bounds neither the head of a request nor the number of connections. When it stops, it resets
whoever is connected and not yet accepted, and closes whoever has not sent a whole head; here both
are answered. It loses the body of a request that offers another protocol, as Java's own client does
with every request over plain HTTP; here the offer is passed over, as RFC 9110 (7.8) allows.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import fcntl
import math
import resource
import socket
import termios
from asyncio import Transport
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import httptools
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.settings import Settings

#: Longer than the idle time of usual load balancers, so that they and not we close first.
KEEP_ALIVE_SECONDS = 75
#: Request line and headers together; more is no client of ours.
MAX_HEAD_BYTES = 65_536
#: How long a client may take to send a request's head. That is a few packets: no working link needs
#: longer, and a client that sends nothing holds its connection no longer.
HEAD_SECONDS = 10.0
#: A stopping process goes on listening to open connections that are silent for so long: a request
#: may be on its way, and its client cannot know whether it is safe to send it again.
LINGER_SECONDS = 1.0


class BoundedProtocol(HttpToolsProtocol):
    """Drops connections whose request head is slow or endless, and those above the limit; leaves
    no request unanswered of which a byte has come."""

    max_connections: ClassVar[int]
    #: Of the whole server: the loop may have accepted some that nobody has heard of yet.
    stopping: ClassVar[bool] = False

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    #: A head has begun and is not whole yet.
    _in_head = False
    _leaving = False

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            transport.abort()
            return
        self._expect_head()
        if self.stopping:
            self._end_soon()

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self._read(data)
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        if self._head_timer is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._drop()

    def _read(self, data: bytes) -> None:
        """As the parser does, but that of every request the body is read: it skips those of
        requests that offer another protocol, so these are given to it again without the offer."""
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offered:
                if self.parser.get_method() == b"CONNECT":
                    raise httptools.HttpParserInvalidMethodError from None
                data = self._head_without_offer() + data[offered.args[0] :]
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            else:
                return

    def _head_without_offer(self) -> bytes:
        lines = [b"%s %s HTTP/%s" % (
            self.parser.get_method(), self.url, self.parser.get_http_version().encode()
        )]  # fmt: skip
        for name, value in self.headers:
            if name == b"connection":
                words = (word.strip() for word in value.split(b","))
                value = b", ".join(word for word in words if word.lower() != b"upgrade")
            if name != b"upgrade":
                lines.append(b"%s: %s" % (name, value))
        return b"\r\n".join([*lines, b"", b""])

    def _should_upgrade(self) -> bool:
        """Asked only of a request that offers it: what was read of it is not looked at."""
        return True

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        if self._head_timer is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._in_head = False
        self._end_of_head()
        super().on_headers_complete()
        # For answers to clients that take nothing: closing would wait for what they have not taken.
        self.scope["reelgate.abort"] = self.transport.abort  # type: ignore[typeddict-unknown-key]
        if self._leaving:
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        """What is under way is answered and then closed; what is silent, after a moment."""
        if self._leaving:
            return
        self._end_soon()
        if not self._is_silent() and not self._in_head:
            self.cycle.keep_alive = False

    def _end_soon(self) -> None:
        """The next answer is the last."""
        self._leaving = True
        self.loop.call_later(LINGER_SECONDS, self._leave)

    def _leave(self) -> None:
        if self.transport.is_closing() or not self._is_silent():
            return
        if _unread_bytes(self.transport):
            self.loop.call_soon(self._leave)
        else:
            self.transport.close()

    def _is_silent(self) -> bool:
        return not self._in_head and (self.cycle is None or self.cycle.response_complete)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_of_head()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._head_bytes = 0
        self._head_timer = asyncio.get_running_loop().call_later(HEAD_SECONDS, self._drop)

    def _end_of_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _drop(self) -> None:
        self._end_of_head()
        if not self.transport.is_closing():
            self.transport.abort()


class Server(uvicorn.Server):
    """A server among others in its process: signals are not its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        protocol = self.config.http_protocol_class
        if isinstance(protocol, type) and issubclass(protocol, BoundedProtocol):
            protocol.stopping = True
        await self._let_in(sockets or [])
        await super().shutdown(sockets)

    async def _let_in(self, listeners: Sequence[socket.socket]) -> None:
        """Accepts whoever is connected already. The kernel resets those that are still in its
        queue when the last descriptor of a listener is closed, so one more is kept until then."""
        doors = [listener.dup() for listener in listeners]
        for server in self.servers:
            server.close()
        waiting = [caller for door in doors for caller in _queued(door)]
        for door in doors:
            door.close()
        loop = asyncio.get_running_loop()
        for caller in waiting:
            # One may have gone in the meantime.
            with contextlib.suppress(OSError):
                await loop.connect_accepted_socket(self._protocol, caller)

    def _protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


def _queued(door: socket.socket) -> Iterator[socket.socket]:
    """Connections that the kernel has made and nobody has accepted."""
    door.setblocking(False)
    while True:
        try:
            caller, _ = door.accept()
        except BlockingIOError:
            return
        except ConnectionError:
            continue
        caller.setblocking(False)
        yield caller


def _unread_bytes(transport: Transport) -> int:
    """What the kernel holds for this connection and nobody has read."""
    counted = array.array("i", [0])
    with contextlib.suppress(OSError):
        fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.FIONREAD, counted)
    return counted[0]


def server_config(app: ASGIApp, settings: Settings, **options: Any) -> uvicorn.Config:
    """`options` go to `uvicorn.Config`."""
    limits = {"max_connections": settings.max_connections}
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
        # Whole seconds; none at all would break off whoever is being answered.
        timeout_graceful_shutdown=math.ceil(settings.drain_seconds),
        **options,
    )


def raise_file_limit() -> None:
    """Each connection is a file; the usual soft limit of 1,024 is below what one process serves."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
