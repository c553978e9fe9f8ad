"""Calls to the upstream. Every way a call can go wrong ends in an answer; the one question is
whether the request may have left.

Each call has a connection of its own (`Connection: close`). On a kept connection the server may
hang up at the moment a request is written, and then nobody can tell whether it was read: a free
handshake saved would be paid with a generation that ends as `unknown`. This holds for look-ups too,
as they would leave kept connections in the pool that submissions take from.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx
from pydantic import SecretStr

from app.domain.catalog import Offer
from app.domain.generation import Spec
from app.fetch import GuardedFetcher, user_agent
from app.upstream.answers import (
    Busy,
    Failed,
    KeyTrouble,
    Lost,
    Missing,
    NotProcessed,
    ResultAnswer,
    Running,
    SubmitAnswer,
    Succeeded,
)
from app.upstream.inflight import Pulse
from app.upstream.wire import read_result, read_submission, request_body

MAX_ANSWER_BYTES = 1_048_576
RESULT_SECONDS = 30.0
#: For clients that were opened without limits of their own.
CONNECT_SECONDS = 10.0

#: Raised before a connection exists, so nothing can have left.
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)

#: (operation, outcome, seconds). Outcomes are a small set: `running`, `lost:timeout`, …
Observer = Callable[[str, str, float], None]
_Answer = TypeVar("_Answer", SubmitAnswer, ResultAnswer)


class KeyCheck(StrEnum):
    """What a harmless look-up says about a key."""

    OK = "ok"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"


class UpstreamClient:
    def __init__(
        self,
        *,
        clients: Sequence[httpx.AsyncClient],
        base_url: str,
        keys: Mapping[str, str | SecretStr],
        fetcher: GuardedFetcher,
        read_seconds: float,
        observe: Observer | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`clients` are several because the pool of one searches its connections one by one; each
        speaks HTTP/1.1 only. `keys` maps labels to keys. `observe` is told of every call."""
        if not clients:
            raise ValueError("at least one HTTP client is needed")
        self._clients = tuple(clients)
        self._in_flight = [0] * len(self._clients)
        self._base_url = base_url.rstrip("/")
        self._keys = {
            label: key if isinstance(key, SecretStr) else SecretStr(key)
            for label, key in keys.items()
        }
        self._fetcher = fetcher
        self._read_seconds = read_seconds
        self._observe = observe
        self._clock = clock
        self._agent = user_agent()
        self._pulses = {label: Pulse() for label in self._keys}

    def pulse(self, key_label: str) -> Pulse:
        """What is heard through a key that is configured here."""
        return self._pulses[key_label]

    def labels(self) -> tuple[str, ...]:
        return tuple(self._keys)

    async def submit(
        self, key_label: str, offer: Offer, spec: Spec, *, run_async: bool
    ) -> SubmitAnswer:
        """Sends one generation, once. A canceled call may have been processed."""
        body = request_body(offer, spec, run_async=run_async)
        return await self._observed("submit", self._submit(key_label, body))

    async def result(self, key_label: str, upstream_id: str, *, prompt: str) -> ResultAnswer:
        """Asks what became of a generation; with the key that made it. A record that says it was
        made for another `prompt` ends nothing."""
        return await self._observed("result", self._result(key_label, upstream_id, prompt))

    def download(
        self, link: str, *, headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[httpx.Response]:
        """The video behind a link, as a streamed response. Raises what the fetcher raises."""
        return self._fetcher.stream(link, headers=headers)

    def permit_download(self, link: str) -> None:
        """Raises the fetcher's `Refused` for a link that would never be followed."""
        self._fetcher.permit(link)

    async def check_key(self, key_label: str) -> KeyCheck:
        """Looks up an id that nobody has: costs nothing, and a bad key is told apart. A key without
        credits is still one that the upstream accepts."""
        answer = await self._observed("check_key", self._result(key_label, str(uuid4()), None))
        if not isinstance(answer, Busy) or answer.key_trouble is KeyTrouble.OUT_OF_CREDITS:
            return KeyCheck.OK
        rejected = answer.key_trouble is KeyTrouble.REJECTED
        return KeyCheck.REJECTED if rejected else KeyCheck.UNREACHABLE

    async def _submit(self, key_label: str, body: dict[str, Any]) -> SubmitAnswer:
        if key_label not in self._keys:
            return NotProcessed(reason="key_unknown")
        content = json.dumps(body, separators=(",", ":")).encode()
        try:
            with self._pulses[key_label].submission() as taken:
                reply = await self._exchange(
                    key_label, "POST", "/api/features", seconds=self._read_seconds, content=content
                )
                answer = read_submission(reply.status, reply.headers, reply.body)
                if isinstance(answer, Running | Succeeded):
                    taken()
        except _Broken as broken:
            return Lost(reason=broken.reason) if broken.sent else NotProcessed(reason="unreachable")
        return answer

    async def _result(self, key_label: str, upstream_id: str, prompt: str | None) -> ResultAnswer:
        if key_label not in self._keys:
            return Busy(reason="key_unknown")
        path = f"/api/results/{quote(upstream_id, safe='')}"
        try:
            reply = await self._exchange(key_label, "GET", path, seconds=RESULT_SECONDS)
        except _Broken as broken:
            return Busy(reason=broken.reason if broken.sent else "unreachable")
        return read_result(
            reply.status, reply.headers, reply.body, expected_id=upstream_id, prompt=prompt
        )

    async def _exchange(
        self,
        key_label: str,
        method: str,
        path: str,
        *,
        seconds: float,
        content: bytes | None = None,
    ) -> _Reply:
        """One request and its whole answer, or `_Broken`. `seconds` bound both every pause and the
        answer as a whole: a server that drips never pauses."""
        departure = _Departure()
        with self._least_busy() as client:
            if client.is_closed:
                raise _Broken("unreachable", sent=False)
            request = client.build_request(
                method,
                self._base_url + path,
                headers=self._headers(self._keys[key_label], has_body=content is not None),
                content=content,
                timeout=_timeouts(client, seconds),
                extensions={"trace": departure},
            )
            try:
                async with asyncio.timeout(seconds):
                    reply = await _answer(client, request)
            except (httpx.HTTPError, OSError, AttributeError) as error:
                # OSError covers the deadline: TimeoutError is one. AttributeError comes where a
                # connection is reset as it is made: anyio asks a socket that is gone for its peer.
                raise _Broken(_reason(error), sent=departure.possible(error)) from None
            self._pulses[key_label].hear()
            return reply

    def _headers(self, key: SecretStr, *, has_body: bool) -> dict[str, str]:
        headers = {
            "API-KEY": key.get_secret_value(),
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Connection": "close",
            "User-Agent": self._agent,
        }
        return headers | {"Content-Type": "application/json"} if has_body else headers

    @contextmanager
    def _least_busy(self) -> Iterator[httpx.AsyncClient]:
        number = min(range(len(self._clients)), key=self._in_flight.__getitem__)
        self._in_flight[number] += 1
        try:
            yield self._clients[number]
        finally:
            self._in_flight[number] -= 1

    async def _observed(self, operation: str, call: Awaitable[_Answer]) -> _Answer:
        started, outcome = self._clock(), "aborted"
        try:
            answer = await call
            outcome = _outcome(answer)
            return answer
        finally:
            # A fault in the bookkeeping must not cost an answer that was paid for.
            with suppress(Exception):
                if self._observe is not None:
                    self._observe(operation, outcome, self._clock() - started)


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


class _Broken(Exception):
    """The exchange ended without a whole answer; `sent` unless nothing can have left."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        self.reason = reason
        self.sent = sent
        super().__init__(reason)


class _Oversized(httpx.HTTPError):
    pass


class _Departure:
    """Watches one request through httpcore's trace extension, whose events say how far it came.
    Silence proves nothing: another transport may not tell."""

    def __init__(self) -> None:
        self._told = False
        self._started = False
        self._head_written = False

    async def __call__(self, event: str, _info: Mapping[str, Any]) -> None:
        self._told = True
        self._started |= event.endswith(".send_request_headers.started")
        self._head_written |= event.endswith(".send_request_headers.complete")

    def possible(self, error: Exception) -> bool:
        """Whether the request may have left before `error`."""
        if isinstance(error, httpx.LocalProtocolError):
            # A head that breaks the protocol is refused here, before it is written.
            return self._head_written or not self._told
        if self._started:
            return True
        return not isinstance(error, _NEVER_SENT) and not self._told


async def _answer(client: httpx.AsyncClient, request: httpx.Request) -> _Reply:
    response = await client.send(request, stream=True, follow_redirects=False, auth=None)
    try:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise _Oversized("the answer is larger than any answer")
        return _Reply(response.status_code, response.headers, bytes(body))
    finally:
        await response.aclose()


def _timeouts(client: httpx.AsyncClient, seconds: float) -> httpx.Timeout:
    own = client.timeout
    return httpx.Timeout(
        seconds, connect=own.connect or CONNECT_SECONDS, pool=own.pool or CONNECT_SECONDS
    )


def _reason(error: Exception) -> str:
    if isinstance(error, _Oversized):
        return "oversized"
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return "timeout"
    return "unreadable" if isinstance(error, httpx.DecodingError) else "reset"


def _outcome(answer: SubmitAnswer | ResultAnswer) -> str:
    match answer:
        case NotProcessed():
            return f"not_processed:{answer.reason}"
        case Lost():
            return f"lost:{answer.reason}"
        case Busy():
            return f"busy:{answer.reason}"
        case Failed():
            return f"failed:{answer.code}"
        case Running():
            return "running"
        case Succeeded():
            return "succeeded"
        case Missing():
            return "missing"
