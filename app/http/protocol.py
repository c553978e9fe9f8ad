"""One connection of the API: uvicorn's, with what a public port needs.

uvicorn closes connections that are idle between requests, and waits for ever for a client that has
begun a request, sends one more byte after an answer, or does not take an answer; it bounds neither
a head nor the requests that are sent ahead. Here every connection has a deadline at any moment. It
is the client's to act in time: while the application works on an answer, that has limits of its
own. uvicorn also loses the body of a request that offers another protocol, as Java's own client
does with every request over plain HTTP; here the offer is passed over, as RFC 9110 (7.8) allows.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import math
import termios
from asyncio import AbstractEventLoop, TimerHandle, Transport
from functools import partial
from typing import Any, ClassVar, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.http.client_address import parse_address
from app.http.connections import Connections
from app.http.sendfile import SEND_FILE, FileSending

#: Longer than the idle timeout of common load balancers, so that they close first.
KEEP_ALIVE_SECONDS = 75
#: Request line and headers together; no client of ours sends more.
MAX_HEAD_BYTES = 65_536
#: Each header costs many times its bytes.
MAX_HEADERS = 256
#: How long a client may take to send the head of a request. It is only a few packets, so no working
#: connection needs longer, and a client that sends nothing cannot hold its connection longer.
HEAD_SECONDS = 10.0
#: How long the rest of an already answered body is read: a client that sends it at once gets the
#: answer and can reuse the connection.
REST_SECONDS = 10.0
#: How long a client may read nothing of a response. Every `MIN_PACE_BYTES` that it reads add a
#: second.
STALL_SECONDS = 60.0
MIN_PACE_BYTES = 1_024
#: Pipelined requests whose responses have not begun. No client of ours sends any.
MAX_PIPELINED = 16
#: How long a stopping process keeps silent connections open: a request may be on its way, and its
#: client could not know whether it is safe to send it again.
LINGER_SECONDS = 1.0
#: How often a connection without an earlier deadline is checked.
LOOK_SECONDS = 10.0
#: How much is parsed at a time: the limits are checked between two pieces.
_PIECE_BYTES = 16_384
_STATUS_LINE = b"HTTP/1.1 "


class _CountedTransport:
    """A transport that counts the bytes it was given to send, and sends the head of a response with
    the body that follows at once: each would be a call of the system, and wake the client."""

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head: bytes | None = None
        self.sent = 0

    def write(self, data: bytes) -> None:
        self.sent += len(data)
        if self._head is not None:
            data, self._head = self._head + data, None
        elif data.startswith(_STATUS_LINE):
            self._head = data
            self._loop.call_soon(self._flush)
            return
        self._transport.write(data)

    def _flush(self) -> None:
        head, self._head = self._head, None
        if head is not None and not self._transport.is_closing():
            self._transport.write(head)

    def __getattr__(self, name: str) -> Any:
        """For whatever else is done with it, what was written has been sent."""
        self._flush()
        return getattr(self._transport, name)


class BoundedProtocol(HttpToolsProtocol):
    """Drops clients that miss a deadline. Answers every request of which at least a byte arrived in
    time."""

    places: ClassVar[Connections]
    #: For the whole server: the loop may have accepted connections that nobody has seen yet.
    stopping: ClassVar[bool] = False

    #: When the client must have acted, in the loop's time.
    _deadline = math.inf
    _timer: TimerHandle | None = None
    _looks_at = math.inf
    #: What is left of `STALL_SECONDS` since the last check, and how much had been read by then.
    _allowance = STALL_SECONDS
    _taken = 0
    _looked_at = 0.0
    #: A head has begun and is not complete.
    _in_head = False
    _head_bytes = 0
    #: A head is whole, and its body is not; how much came since the last byte of that. Around a
    #: body that comes in chunks, and behind it, there is room for more than a head may have.
    _in_body = False
    _bare_bytes = 0
    _used = False
    #: One of these has changed in the piece that is being read.
    _moved = False
    #: Further input is ignored: the connection ends after the responses that are due.
    _deaf = False
    _leaving = False
    _sending: FileSending | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(cast(Transport, _CountedTransport(transport, self.loop)))
        address = parse_address(self.client[0]) if self.client else None
        if not self.places.enter(self, address):
            transport.abort()
            return
        self._looked_at = self.loop.time()
        self._allowance = STALL_SECONDS
        self._expect()
        if self.stopping:
            self._end_soon()

    def connection_lost(self, exc: Exception | None) -> None:
        self.places.leave(self)
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)
        if self._sending is not None:
            self._sending.connection_lost()

    # Input

    def data_received(self, data: bytes) -> None:
        start = 0
        while start < len(data) and not self._deaf and not self.transport.is_closing():
            room = MAX_HEAD_BYTES - self._head_bytes if self._in_head else _PIECE_BYTES
            if room <= 0 or self._bare_bytes > MAX_HEAD_BYTES:
                self._give_up()
                return
            piece = data[start : start + min(room, _PIECE_BYTES)]
            start += len(piece)
            try:
                self._read(piece)
            except httptools.HttpParserError:
                self._refuse()
            if self._moved:
                self._moved = False
                self._expect()
            if self._in_head:
                self._head_bytes += len(piece)
            elif self._in_body:
                self._bare_bytes += len(piece)

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
        """Called only for a request that offers another protocol: the rest of it is not parsed."""
        return True

    def _refuse(self) -> None:
        """The input is not HTTP. Earlier requests are answered first."""
        if self._is_answering():
            self._hear_no_more()
        else:
            self.send_400_response("Invalid HTTP request received.")

    def _give_up(self) -> None:
        """There is more input than is read."""
        if self._is_answering() and not self._in_body:
            self._hear_no_more()
        else:
            self._deaf = True
            self.transport.abort()

    def _hear_no_more(self) -> None:
        self._deaf = True
        self.cycle.keep_alive = False

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._used = self._in_head = self._moved = True
        self._head_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # Behind a body; nobody asks for these.
        if len(self.headers) < MAX_HEADERS:
            super().on_header(name, value)
        elif not self._deaf:
            self._give_up()

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade() or self._deaf:
            return
        self._in_head, self._in_body, self._bare_bytes = False, True, 0
        if len(self.pipeline) >= MAX_PIPELINED:
            self._hear_no_more()
            return
        super().on_headers_complete()
        # For clients that read nothing of a response: closing would wait for them.
        self.scope["reelgate.abort"] = self.transport.abort  # type: ignore[typeddict-unknown-key]
        self.scope["reelgate.written"] = partial(  # type: ignore[typeddict-unknown-key]
            self._is_written, self.cycle
        )
        if self.transport.get_extra_info("sslcontext") is None:
            send_file = partial(self._send_file, self.cycle)
            self.scope[SEND_FILE] = send_file  # type: ignore[literal-required]
        if self._leaving:
            self.cycle.keep_alive = False
        self._moved = True

    def on_body(self, body: bytes) -> None:
        self._bare_bytes = 0
        if not self._deaf:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._deaf:
            return
        super().on_message_complete()
        if self._in_body:
            self._in_body, self._moved = False, True

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._unset_keepalive_if_required()
        if not self.transport.is_closing():
            self._expect()

    async def _send_file(
        self, cycle: RequestResponseCycle, file: int, start: int, end: int
    ) -> None:
        """The body of a response whose head was sent, or a part of it, from an open file. Ends
        early if the connection is lost. Raises `Shortened` and `OSError`."""
        transport = cast(_CountedTransport, self.transport)

        def count(sent: int) -> None:
            transport.sent += sent
            cycle.expected_content_length -= sent

        if cycle.disconnected:
            return
        # What was written before goes first: with this limit it is waited for.
        transport.set_write_buffer_limits(high=0)
        await self.flow.drain()
        if cycle.disconnected:
            return
        self._sending = FileSending(transport.get_extra_info("socket"), count=count)
        try:
            await self._sending.send(file, start, end)
        finally:
            self._sending = None
            if not transport.is_closing():
                transport.set_write_buffer_limits()

    # Deadlines

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _is_silent(self) -> bool:
        return not self._in_head and not self._is_answering()

    def _expect(self) -> None:
        """What happens next: the client's next step, or the application's response."""
        if self._is_answering():
            self._deadline = math.inf
            if not self._in_body:
                self.places.answers(self)
                return
        elif self._in_head or not self._used:
            self._deadline = self.loop.time() + HEAD_SECONDS
        elif self._in_body:
            self._deadline = self.loop.time() + REST_SECONDS
        else:
            self._deadline = self.loop.time() + KEEP_ALIVE_SECONDS
        self.places.waits(self)
        self._look_by(self._deadline)

    def _look_by(self, when: float) -> None:
        """A timer that is due earlier checks again by itself, so most requests need none."""
        when = min(when, self.loop.time() + LOOK_SECONDS)
        if self._looks_at <= when:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._looks_at = when
        self._timer = self.loop.call_at(when, self._look)

    def _look(self) -> None:
        self._looks_at = math.inf
        if self.loop.time() >= self._deadline or not self._takes_answers():
            self.transport.abort()
        else:
            self._look_by(self._deadline)

    def _takes_answers(self) -> bool:
        """Whether the client has read what was sent to it, or reads at an acceptable pace."""
        now, untaken = self.loop.time(), self._untaken_bytes()
        sent = cast(_CountedTransport, self.transport).sent
        # A thread that sends a file counts what it has sent a moment after the kernel does.
        taken = max(sent - untaken, self._taken)
        # No more than between two looks: a process that stood still holds that against nobody.
        self._allowance -= min(now - self._looked_at, LOOK_SECONDS)
        self._allowance += (taken - self._taken) / MIN_PACE_BYTES
        if not untaken or self._allowance > STALL_SECONDS:
            self._allowance = STALL_SECONDS
        self._taken, self._looked_at = taken, now
        return self._allowance > 0

    def _untaken_bytes(self) -> int:
        """Bytes that were sent and not read: those that wait here, and in the kernel for
        confirmation."""
        return self.transport.get_write_buffer_size() + _kernel_bytes(
            self.transport, termios.TIOCOUTQ
        )

    def _is_written(self, cycle: RequestResponseCycle) -> bool:
        """Whether the kernel has all of the response to this request. What is given to a connection
        that its client has closed is dropped, and the response never complete."""
        if cycle.keep_alive and self.transport.is_closing():
            return False
        return cycle.response_complete and not self.transport.get_write_buffer_size()

    def give_way(self) -> None:
        self.transport.abort()

    # Stopping

    def shutdown(self) -> None:
        """Requests in progress are answered before their connections close; silent connections
        close after a moment."""
        if self._leaving:
            return
        self._end_soon()
        if self._is_answering():
            self.cycle.keep_alive = False

    def _end_soon(self) -> None:
        """The next response is the last."""
        self._leaving = True
        self.loop.call_later(LINGER_SECONDS, self._leave)

    def _leave(self) -> None:
        if self.transport.is_closing() or not self._is_silent():
            return
        if _kernel_bytes(self.transport, termios.FIONREAD):
            self.loop.call_soon(self._leave)
        else:
            self.transport.close()


def _kernel_bytes(transport: Transport, request: int) -> int:
    """What the kernel holds for this connection: not read yet (FIONREAD), not confirmed by the peer
    (TIOCOUTQ). 0 if it does not say."""
    counted = array.array("i", [0])
    with contextlib.suppress(OSError, ValueError):  # a closed one has no number
        fcntl.ioctl(transport.get_extra_info("socket").fileno(), request, counted)
    return counted[0]
