"""What becomes of a call when the transport does its worst, against real loopback servers."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import sys
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from functools import partial

import httpcore
import httpx
import pytest

from app.http_client import HttpClient, RequestFailed
from app.upstream import client as upstream_client
from app.upstream.answers import Busy, Lost, NotProcessed, Running, SubmitAnswer
from app.upstream.client import MAX_ANSWER_BYTES
from tests.harness.clock import LoopTime
from tests.upstream.calling import (
    ID,
    PATIENCE_SECONDS,
    PROCESSING,
    Scripted,
    both,
    raising,
    submitted,
    upstream,
)
from tests.upstream.fetching import read
from tests.upstream.loopback import TLS, Connection, Script, answering, http, refusing, serving


async def test_a_refused_port_processed_nothing() -> None:
    with refusing() as address:
        async with upstream(address) as client:
            assert await submitted(client) == NotProcessed(reason="unreachable")
            assert await client.result("main", ID) == Busy(reason="unreachable")


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

    assert (await both(script))[:2] == (Lost(reason="too_large"), Busy(reason="too_large"))


@pytest.mark.parametrize(
    "location",
    [
        b"http://127.0.0.1/elsewhere", b"javascript:alert(1)", b"\xe9\xff", b"http://[::1",
        b"http://h:99999999/", b"http://\xc3\xa9.example/", b"//", b"data:,",
    ],
)  # fmt: skip
async def test_a_redirect_is_not_followed_and_its_address_is_text(location: bytes) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        head = b"HTTP/1.1 307 Temporary\r\nContent-Length: 2\r\nLocation: "
        await connection.send(head + location + b"\r\n\r\n{}")

    submission, result, connections = await both(script)
    assert (submission, result) == (Lost(reason="http_307"), Busy(reason="http_307"))
    assert connections == 2


async def test_a_redirect_with_a_record_is_the_record() -> None:
    answers = await both(answering(307, PROCESSING, "Location: javascript:alert(1)"))
    assert answers[:2] == (Running(upstream_id=ID), Running(upstream_id=ID))


def _with_a_cookie(value: bytes) -> Script:
    body = json.dumps(PROCESSING).encode()

    async def script(connection: Connection) -> None:
        await connection.request()
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nSet-Cookie: " % len(body)
        await connection.send(head + value + b"\r\n\r\n" + body)

    return script


@pytest.mark.parametrize("value", [b"sid=of-one-key; Path=/", b"a=\xe9", b"\xff=\x80; Domain=.x"])
async def test_no_call_carries_a_cookie_whatever_was_set(value: bytes) -> None:
    async with serving(_with_a_cookie(value)) as server, upstream(server.url) as client:
        for label in ("main", "spare", "main"):
            assert await submitted(client, label) == Running(upstream_id=ID)
            found = await client.result(label, ID)
            assert found == Running(upstream_id=ID)
            async with client.download(server.url + "/v.mp4") as response:
                await read(response)
    assert len(server.requests) == server.connections == 9
    assert [r for r in server.requests if "cookie" in r.headers] == []


async def test_a_packed_answer_is_unpacked() -> None:
    packed = gzip.compress(json.dumps(PROCESSING).encode())

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(http(200, packed, "Content-Encoding: gzip"))

    assert (await both(script))[0] == Running(upstream_id=ID)


async def test_an_answer_that_unpacks_to_gigabytes_is_too_large_and_costs_nothing() -> None:
    inner = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1 << 20)
    once = b"".join(inner.compress(zeros) for _ in range(1_500)) + inner.flush()
    twice = gzip.compress(once)
    assert len(twice) < 3_000

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(http(200, twice, "Content-Encoding: gzip, gzip"))

    tracemalloc.start()
    try:
        answers = await both(script)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answers[:2] == (Lost(reason="too_large"), Busy(reason="too_large"))
    assert most < 8_000_000


async def test_a_document_that_is_whole_counts_although_bytes_were_to_follow() -> None:
    body = json.dumps(PROCESSING).encode()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(body) + 5))
        await connection.send(body)

    answers = await both(script)
    assert answers[:2] == (Running(upstream_id=ID), Running(upstream_id=ID))


@pytest.mark.parametrize("error", [None, httpx.ReadError(""), ssl.SSLError(), KeyError("x")])
async def test_a_document_that_is_whole_counts_however_its_connection_ends(
    error: Exception | None,
) -> None:
    """None: it never ends, and the time for an answer runs out."""

    class Body(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield json.dumps(PROCESSING).encode()
            if error is not None:
                raise error
            await asyncio.Event().wait()

    def transport() -> httpx.AsyncBaseTransport:
        return Scripted(*WRITTEN, then=lambda: httpx.Response(200, stream=Body()))

    async with upstream(
        "http://upstream.test", transport=transport, read_seconds=PATIENCE_SECONDS if error else 0.2
    ) as client:
        assert await submitted(client) == Running(upstream_id=ID)


async def test_a_body_that_does_not_decode_is_lost() -> None:
    script = answering(200, PROCESSING, "Content-Encoding: gzip")
    assert (await both(script))[:2] == (Lost(reason="unreadable"), Busy(reason="unreadable"))


async def test_a_tls_handshake_that_fails_processed_nothing() -> None:
    async def script(connection: Connection) -> None:
        await connection.send(b"this is not TLS")
        await connection.until_hung_up()

    async with serving(script) as server, upstream(f"https://127.0.0.1:{server.port}") as client:
        assert await submitted(client) == NotProcessed(reason="unreachable")


async def test_a_request_without_a_place_processed_nothing() -> None:
    arrived = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        arrived.set()
        await connection.until_hung_up()

    async with serving(script) as server, upstream(server.url, max_connections=1) as client:
        held = asyncio.create_task(submitted(client))
        await arrived.wait()
        assert await submitted(client) == NotProcessed(reason="unreachable")
        held.cancel()
        with pytest.raises(asyncio.CancelledError):
            await held
        # What was canceled gave its place back.
        arrived.clear()
        again = asyncio.create_task(submitted(client))
        await arrived.wait()
        again.cancel()
        await asyncio.gather(again, return_exceptions=True)
    assert len(server.requests) == 2


@pytest.mark.parametrize("key", ["line\nbreak", "a\x00b", "\u00e9", " padded ", "\x7f"])
async def test_a_key_that_no_header_can_carry_is_not_sent(key: str) -> None:
    async with (
        serving(answering(200, PROCESSING)) as server,
        upstream(server.url, keys={"main": key}) as client,
    ):
        assert await submitted(client) == NotProcessed(reason="unreachable")
    assert server.connections == 0


FAULTS = [
    OSError(), ssl.SSLError(), TimeoutError(), UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "no"),
    KeyError("cookie"), AttributeError("getpeername"), RuntimeError(), RecursionError(),
    httpx.ConnectError(""), httpx.ConnectTimeout(""), httpx.PoolTimeout(""), httpx.InvalidURL(""),
    httpx.UnsupportedProtocol(""), httpx.ReadTimeout(""), httpx.WriteTimeout(""),
    httpx.WriteError(""), httpx.ReadError(""), httpx.LocalProtocolError(""),
    httpx.RemoteProtocolError(""), httpx.ProxyError(""), httpx.DecodingError(""),
    httpx.StreamConsumed(),
]  # fmt: skip
CONNECTED = ("connection.connect_tcp.started", "connection.connect_tcp.complete")
WRITTEN = (*CONNECTED, "http11.send_request_headers.started")


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
async def test_where_an_error_is_raised_decides_whether_the_request_may_have_left(
    error: Exception,
) -> None:
    """And not what it is. A transport that reports nothing proves nothing."""
    for events, left in ((CONNECTED[:1], False), (CONNECTED, False), (WRITTEN, True), ((), True)):
        transport = partial(Scripted, *events, then=raising(error))
        async with upstream("http://upstream.test", transport=transport) as client:
            answer = await submitted(client)
            found = await client.result("main", ID)
        late = isinstance(error, TimeoutError | httpx.TimeoutException)
        if left:
            reason = "timeout" if late else "reset"
            assert (answer, found) == (Lost(reason=reason), Busy(reason=reason))
        else:
            assert answer == NotProcessed(reason="unreachable")
            assert found == Busy(reason="unreachable")


@pytest.mark.parametrize(
    ("events", "answer"),
    [
        (CONNECTED[:1], NotProcessed(reason="unreachable")),
        (WRITTEN, Lost(reason="timeout")),
        ((), Lost(reason="timeout")),
    ],
)
async def test_the_deadline_knows_how_far_the_request_came(
    events: tuple[str, ...], answer: SubmitAnswer
) -> None:
    async with upstream(
        "http://upstream.test", transport=lambda: Scripted(*events), read_seconds=0.05
    ) as client:
        assert await submitted(client) == answer


async def test_a_transport_that_cannot_be_opened_sent_nothing() -> None:
    def broken() -> httpx.AsyncBaseTransport:
        raise RuntimeError("no more descriptors")

    async with upstream("http://upstream.test", transport=broken) as client:
        assert await submitted(client) == NotProcessed(reason="unreachable")


async def test_a_request_that_cannot_be_written_down_is_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(upstream_client, "request_body", lambda *_, **__: {"no": object()})
    async with serving(answering(200, PROCESSING)) as server, upstream(server.url) as client:
        assert await submitted(client) == NotProcessed(reason="unsendable")
    assert server.connections == 0


async def test_a_fault_in_reading_an_answer_does_not_send_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(upstream_client, "read_submission", lambda *_: 1 // 0)
    async with serving(answering(200, PROCESSING)) as server, upstream(server.url) as client:
        assert await submitted(client) == Lost(reason="unreadable")


@pytest.mark.parametrize(("tunnel", "left"), [("refused", False), ("no TLS", False), ("TLS", True)])
async def test_what_a_proxy_is_asked_is_not_yet_the_request(tunnel: str, left: bool) -> None:
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(TLS / "certificate.pem", TLS / "key.pem")

    async def proxy(connection: Connection) -> None:
        assert (await connection.request()).method == "CONNECT"
        if tunnel == "refused":
            await connection.send(http(403))
            return
        await connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
        if tunnel == "no TLS":
            await connection.reader.read(64)
            await connection.send(b"this is not TLS")
            return
        await connection.writer.start_tls(server_side)
        await connection.request()

    async with serving(proxy) as server:
        client = HttpClient(
            max_connections=1,
            proxy=server.url,
            verify=ssl.create_default_context(cafile=str(TLS / "certificate.pem")),
        )
        with pytest.raises(RequestFailed) as failed:
            await client.request(
                "POST", "https://video.test/", headers={}, content=b"{}", seconds=60, max_bytes=9
            )
    assert failed.value.may_have_left is left


async def test_no_request_searches_for_the_library_of_another_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """httpcore asks for it many times in a request, and a search goes through the whole path."""
    searched: list[str] = []

    class Searched:
        @staticmethod
        def find_spec(name: str, *_: object) -> None:
            searched.append(name)

    HttpClient(max_connections=1)
    monkeypatch.setattr(sys, "meta_path", [Searched, *sys.meta_path])
    assert httpcore._synchronization.current_async_library() == "asyncio"
    assert searched == []
