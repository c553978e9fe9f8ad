"""HTTP requests that leave this process, each over a connection of its own.

Requests share nothing, whether they go to the upstream with one key or another, to a file host or
to a webhook receiver: no cookies, no connection, no other state. So httpx's transport is used
without httpx's client, which keeps cookies, parses the `Location` of an answer that nobody follows,
and unpacks bodies of any size. Headers are text here and bodies are the bytes of the wire.

A kept connection would save a handshake and cost more than that: a server may hang up at the moment
a request is written to it, and then nobody can tell whether it was read.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import httpx

from app.telemetry import logger

log = logger(__name__)

CONNECT_SECONDS = 10.0
IDLE_SECONDS = 60.0
#: Of `connect_seconds`, until a request is begun: name, TCP, a proxy's tunnel and TLS each take a
#: part. A proxy that says nothing would else be waited for as for an answer.
_BEGIN_FACTOR = 3

#: The bytes of a header's value (RFC 9110, 5.5). The parser below refuses others too, but only
#: while it writes the head, when something may have been sent already.
_FIELD_VALUE = re.compile(r"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?")


class RequestFailed(Exception):
    """A request that got no whole answer. `reason` is `unreachable`, `timeout`, `reset` or
    `too_large`; without `may_have_left` nobody can have received any of it.

    `may_have_left` comes from how far the request got, and not from the kind of error: whatever is
    raised before its first byte is written, nothing has left; whatever is raised later, it may
    have.
    """

    def __init__(self, reason: str, *, may_have_left: bool) -> None:
        self.reason = reason
        self.may_have_left = may_have_left
        super().__init__(reason)


class Response:
    """The head of a response, and its body as it was sent."""

    def __init__(self, response: httpx.Response, progress: _Progress) -> None:
        self.status_code = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.extensions: Mapping[str, Any] = response.extensions
        self._stream = response.stream
        self._progress = progress

    async def aiter_raw(self) -> AsyncIterator[bytes]:
        """Pieces of at most 64 KiB, still compressed. Raises `RequestFailed`."""
        try:
            async for chunk in self._stream:  # type: ignore[union-attr]
                yield chunk
        except Exception as error:
            raise self._progress.failure(error) from None


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response or, if `broke` is set, as much of it as arrived."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    broke: str | None = None


class HttpClient:
    """`max_connections` limits concurrent requests. One that gets no slot within `queue_seconds`
    fails without being sent. `proxy` is an address that may contain a user and a password.
    `transport` is for tests."""

    def __init__(
        self,
        *,
        max_connections: int,
        queue_seconds: float = 30.0,
        connect_seconds: float = CONNECT_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
        socket_options: Sequence[tuple[int, int, int]] = (),
        proxy: str | None = None,
        verify: ssl.SSLContext | None = None,
        transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
    ) -> None:
        self._places = asyncio.Semaphore(max_connections)
        self._queue_seconds = queue_seconds
        self._connect_seconds = connect_seconds
        self._idle_seconds = idle_seconds
        self._socket_options = tuple(socket_options)
        self._proxy = proxy
        self._tls = verify or _trusted_authorities()
        self._open = transport or self._transport
        self._agent = user_agent()
        _search_for_no_other_loop()

    @property
    def proxied(self) -> bool:
        """Whether a proxy connects, and looks the names up."""
        return self._proxy is not None

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: httpx.URL | str,
        *,
        headers: Mapping[str, str],
        content: bytes | None = None,
        server_name: str | None = None,
    ) -> AsyncIterator[Response]:
        """The response, before its body is read. Raises `RequestFailed`, also from the body.
        `server_name` is the name that TLS verifies if the URL has an IP address."""
        async with self._sent(
            _Progress(), method, url, headers, content, server_name, self._idle_seconds
        ) as response:
            yield response

    async def request(
        self,
        method: str,
        url: httpx.URL | str,
        *,
        headers: Mapping[str, str],
        content: bytes | AsyncIterable[bytes] | None = None,
        seconds: float,
        max_bytes: int,
    ) -> Answer:
        """The response with its body, still compressed. Raises `RequestFailed` if no head arrived
        or the body is larger than `max_bytes`. `seconds` limits every pause, and the response as a
        whole, because a server that sends a byte now and then never pauses. With `content` that is
        not in memory, the headers have to say its length."""
        progress, received = _Progress(), bytearray()
        head: Response | None = None
        try:
            async with (
                asyncio.timeout(seconds),
                self._sent(progress, method, url, headers, content, None, seconds) as head,
            ):
                async for chunk in head.aiter_raw():
                    received += chunk
                    if len(received) > max_bytes:
                        raise RequestFailed("too_large", may_have_left=True)
        except Exception as error:
            failure = progress.failure(error)
            if head is None or failure.reason == "too_large":
                raise failure from None
            return Answer(head.status_code, head.headers, bytes(received), failure.reason)
        return Answer(head.status_code, head.headers, bytes(received))

    @asynccontextmanager
    async def _sent(
        self,
        progress: _Progress,
        method: str,
        url: httpx.URL | str,
        headers: Mapping[str, str],
        content: bytes | AsyncIterable[bytes] | None,
        server_name: str | None,
        idle_seconds: float,
    ) -> AsyncIterator[Response]:
        async with AsyncExitStack() as stack:
            try:
                request = httpx.Request(
                    method,
                    url,
                    headers=self._headers(headers),
                    content=content,
                    extensions={
                        "timeout": {
                            "connect": self._connect_seconds,
                            "read": idle_seconds,
                            "write": idle_seconds,
                        },
                        "trace": progress,
                    }
                    | ({"sni_hostname": server_name} if server_name else {}),
                )
                await stack.enter_async_context(self._place())
                transport = self._open()
                stack.push_async_callback(_close, transport)
                progress.handed_over = True
                async with asyncio.timeout(_BEGIN_FACTOR * self._connect_seconds) as beginning:
                    progress.beginning = beginning
                    response = await transport.handle_async_request(request)
                stack.push_async_callback(_close, response)
            except Exception as error:
                raise progress.failure(error) from None
            yield Response(response, progress)

    def _headers(self, given: Mapping[str, str]) -> dict[str, str]:
        headers = {
            "User-Agent": self._agent,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            **given,
            "Connection": "close",
        }
        for name, value in headers.items():
            if not _FIELD_VALUE.fullmatch(value):
                raise ValueError(f"the header {name} cannot be sent")
        return headers

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        async with asyncio.timeout(self._queue_seconds):
            await self._places.acquire()
        try:
            yield
        finally:
            self._places.release()

    def _transport(self) -> httpx.AsyncBaseTransport:
        return httpx.AsyncHTTPTransport(
            verify=self._tls,
            trust_env=False,
            http2=False,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=0),
            proxy=self._proxy,
            socket_options=self._socket_options,
        )


@cache
def _trusted_authorities() -> ssl.SSLContext:
    """Shared by all clients of the process, since it holds no state of any connection. Reading the
    authorities takes a tenth of a second and half a megabyte."""
    return httpx.create_ssl_context(trust_env=False)


def _search_for_no_other_loop() -> None:
    """For every lock, httpcore imports a library that tells asyncio from Trio. If it is not
    installed, the whole path is searched for it each time: a twentieth of what a download costs."""
    sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]


class _Progress:
    """How far a request got, as the transport's trace extension reports it."""

    def __init__(self) -> None:
        self.handed_over = False
        #: Ends what does not come to its first byte.
        self.beginning: asyncio.Timeout | None = None
        self._traced = False
        self._begun = False

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        self._traced = True
        # A proxy is first asked for a tunnel; nothing of the request has been sent then.
        tunnel = getattr(info.get("request"), "method", None) == b"CONNECT"
        if event.endswith(".send_request_headers.started") and not tunnel:
            if self.beginning is not None:
                # Raises where the time is over by now, before a byte is written.
                self.beginning.reschedule(None)
            self._begun = True

    @property
    def may_have_left(self) -> bool:
        # A transport without traces proves nothing.
        return self._begun or (self.handed_over and not self._traced)

    def failure(self, error: Exception) -> RequestFailed:
        if isinstance(error, RequestFailed):
            return error
        if not isinstance(error, httpx.TransportError | OSError):
            # OSError includes TimeoutError and SSLError. Anything else is a bug in this process or
            # a library, and its message may contain a URL.
            log.error("request_broke", error=type(error).__name__, may_have_left=self.may_have_left)
        if not self.may_have_left:
            return RequestFailed("unreachable", may_have_left=False)
        late = isinstance(error, httpx.TimeoutException | TimeoutError)
        return RequestFailed("timeout" if late else "reset", may_have_left=True)


async def _close(opened: httpx.AsyncBaseTransport | httpx.Response) -> None:
    # An error while closing the connection must not lose a response that was read.
    with suppress(Exception):
        await opened.aclose()


@cache
def user_agent() -> str:
    try:
        return f"reelgate/{version('reelgate')}"
    except PackageNotFoundError:
        return "reelgate"
