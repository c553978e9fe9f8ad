"""What becomes of a call when the transport does its worst, against real loopback servers."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from app.upstream.answers import Busy, Lost, NotProcessed, SubmitAnswer
from app.upstream.client import MAX_ANSWER_BYTES
from tests.harness.clock import LoopTime
from tests.upstream.calling import (
    ID,
    PATIENCE_SECONDS,
    PROCESSING,
    SPEC,
    both,
    submitted,
    upstream,
)
from tests.upstream.loopback import Connection, answering, http, refusing, serving


async def test_a_refused_port_processed_nothing() -> None:
    with refusing() as address:
        async with upstream(address) as client:
            assert await submitted(client) == NotProcessed(reason="unreachable")
            assert await client.result("main", ID, prompt=SPEC.prompt) == Busy(reason="unreachable")


async def test_a_reset_before_the_request_was_read_is_lost() -> None:
    async def script(connection: Connection) -> None:
        connection.reset()

    assert (await both(script))[:2] == (Lost(reason="reset"), Busy(reason="reset"))


async def test_a_reset_after_the_request_was_read_is_lost() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        connection.reset()

    assert (await both(script))[:2] == (Lost(reason="reset"), Busy(reason="reset"))


async def test_a_hang_up_without_an_answer_is_lost() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()

    assert (await both(script))[:2] == (Lost(reason="reset"), Busy(reason="reset"))


async def test_half_a_body_is_lost() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(http(200, json.dumps(PROCESSING).encode())[:-5])

    assert (await both(script))[:2] == (Lost(reason="reset"), Busy(reason="reset"))


async def test_silence_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    time = LoopTime(monkeypatch)

    async def script(connection: Connection) -> None:
        await connection.request()
        time.move(PATIENCE_SECONDS + 1)
        await connection.until_hung_up()

    async with serving(script) as server, upstream(server.url) as client:
        assert await submitted(client) == Lost(reason="timeout")


async def test_a_drip_that_never_pauses_ends_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    time = LoopTime(monkeypatch)

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            await connection.send(b" ")
            time.move(PATIENCE_SECONDS / 40)
            await asyncio.sleep(0)

    async with serving(script) as server, upstream(server.url) as client:
        assert await submitted(client) == Lost(reason="timeout")


async def test_an_answer_larger_than_any_answer_is_not_read_on() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        await connection.send(b" " * (MAX_ANSWER_BYTES + 1))
        await connection.until_hung_up()

    assert (await both(script))[:2] == (Lost(reason="oversized"), Busy(reason="oversized"))


async def test_a_redirect_is_not_followed() -> None:
    submission, result, connections = await both(
        answering(307, {}, "Location: http://127.0.0.1/elsewhere")
    )
    assert (submission, result) == (Lost(reason="http_307"), Busy(reason="http_307"))
    assert connections == 2


async def test_a_body_that_does_not_decode_is_lost() -> None:
    script = answering(200, PROCESSING, "Content-Encoding: gzip")
    assert (await both(script))[:2] == (Lost(reason="unreadable"), Busy(reason="unreadable"))


async def test_a_tls_handshake_that_fails_processed_nothing() -> None:
    async def script(connection: Connection) -> None:
        await connection.send(b"this is not TLS")
        await connection.until_hung_up()

    async with serving(script) as server, upstream(f"https://127.0.0.1:{server.port}") as client:
        assert await submitted(client) == NotProcessed(reason="unreachable")


async def test_a_full_pool_processed_nothing() -> None:
    arrived = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        arrived.set()
        await connection.until_hung_up()

    limits = httpx.Limits(max_connections=1)
    async with serving(script) as server, upstream(server.url, limits=limits) as client:
        held = asyncio.create_task(submitted(client))
        await arrived.wait()
        assert await submitted(client) == NotProcessed(reason="unreachable")
        held.cancel()
        with pytest.raises(asyncio.CancelledError):
            await held
    assert len(server.requests) == 1


async def test_a_request_that_breaks_the_protocol_is_not_sent() -> None:
    async with (
        serving(answering(200, PROCESSING)) as server,
        upstream(server.url, keys={"main": "line\nbreak"}) as client,
    ):
        assert await submitted(client) == NotProcessed(reason="unreachable")
    assert server.requests == []


async def test_a_closed_client_sends_nothing() -> None:
    async with serving(answering(200, PROCESSING)) as server:
        async with upstream(server.url) as client:
            pass
        assert await submitted(client) == NotProcessed(reason="unreachable")
    assert server.connections == 0


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (httpx.ConnectTimeout, NotProcessed(reason="unreachable")),
        (httpx.UnsupportedProtocol, NotProcessed(reason="unreachable")),
        (httpx.ReadTimeout, Lost(reason="timeout")),
        (httpx.WriteTimeout, Lost(reason="timeout")),
        (httpx.WriteError, Lost(reason="reset")),
        (httpx.RemoteProtocolError, Lost(reason="reset")),
        (httpx.LocalProtocolError, Lost(reason="reset")),
    ],
)
async def test_a_transport_that_tells_nothing_is_doubted(
    error: type[httpx.TransportError], answer: SubmitAnswer
) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("scripted", request=request)

    async with upstream("http://upstream.test", transport=httpx.MockTransport(fail)) as client:
        assert await submitted(client) == answer


class _Stuck(httpx.AsyncBaseTransport):
    """Reports how far it came through the trace extension, then waits for ever."""

    def __init__(self, *events: str) -> None:
        self._events = events

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for event in self._events:
            await request.extensions["trace"](event, {})
        await asyncio.Event().wait()
        raise AssertionError


@pytest.mark.parametrize(
    ("events", "answer"),
    [
        (("connection.connect_tcp.started",), NotProcessed(reason="unreachable")),
        (
            ("connection.connect_tcp.complete", "http11.send_request_headers.started"),
            Lost(reason="timeout"),
        ),
        ((), Lost(reason="timeout")),
    ],
)
async def test_the_deadline_knows_how_far_the_request_came(
    events: tuple[str, ...], answer: SubmitAnswer
) -> None:
    async with upstream(
        "http://upstream.test", transport=_Stuck(*events), read_seconds=0.05
    ) as client:
        assert await submitted(client) == answer


async def test_a_client_that_closes_while_it_waits_leaves_a_doubt() -> None:
    arrived = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        arrived.set()
        await connection.until_hung_up()

    async with serving(script) as server:
        async with upstream(server.url) as client:
            waiting = asyncio.create_task(submitted(client))
            await arrived.wait()
        assert await waiting == Lost(reason="reset")


class ResetAsItIsMade(httpx.AsyncBaseTransport):
    """A connection that is made and reset at once: anyio then looks at a socket that is gone."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.extensions["trace"]("connection.connect_tcp.complete", {})
        gone = None
        raise AttributeError(f"{gone!r} has no attribute 'getpeername'")


async def test_a_connection_that_is_reset_as_it_is_made_processed_nothing() -> None:
    async with upstream("http://127.0.0.1:9", transport=ResetAsItIsMade()) as client:
        assert await submitted(client) == NotProcessed(reason="unreachable")
        assert await client.result("main", ID, prompt=SPEC.prompt) == Busy(reason="unreachable")
