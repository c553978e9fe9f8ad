"""What becomes of one call when the transport does its worst, against real loopback servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from app.domain.catalog import LUMA_TEXT_TO_VIDEO
from app.domain.generation import Duration, Resolution, Spec, VideoModel
from app.upstream.answers import (
    Busy,
    KeyTrouble,
    Lost,
    Missing,
    NotProcessed,
    ResultAnswer,
    Running,
    SubmitAnswer,
    Succeeded,
)
from app.upstream.client import MAX_ANSWER_BYTES, KeyCheck, Observer, UpstreamClient
from app.upstream.fetch import FetchPolicy, GuardedFetcher
from tests.upstream.loopback import Connection, Script, answering, closed_port, http, serving

ID = "0b7c9a51-6d0e-4c38-9f0d-51f1a2f6f0aa"
PROCESSING = {"aiRecord": {"uuid": ID, "status": "PROCESSING"}}
SPEC = Spec(
    prompt="a lighthouse “in fog” 🌫",
    model=VideoModel.RAY_V3,
    duration=Duration.FIVE_SECONDS,
    resolution=Resolution.P720,
)


@asynccontextmanager
async def upstream(
    base_url: str,
    *,
    pools: int = 1,
    read_seconds: float = 5.0,
    keys: Mapping[str, str | SecretStr] | None = None,
    observe: Observer | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    limits: httpx.Limits | None = None,
) -> AsyncIterator[UpstreamClient]:
    clients = [
        httpx.AsyncClient(
            headers={"X-Pool": str(number)},
            timeout=httpx.Timeout(5.0, pool=0.05),
            transport=transport,
            limits=limits or httpx.Limits(),
            trust_env=False,
        )
        for number in range(pools)
    ]
    policy = FetchPolicy(hosts=frozenset(), trusted_origins=frozenset({base_url}))
    try:
        yield UpstreamClient(
            clients=clients,
            base_url=base_url,
            keys=keys or {"main": SecretStr("key-of-the-account"), "spare": "other-key"},
            fetcher=GuardedFetcher(clients[0], policy),
            read_seconds=read_seconds,
            observe=observe,
        )
    finally:
        for client in clients:
            await client.aclose()


async def submitted(client: UpstreamClient, label: str = "main") -> SubmitAnswer:
    return await client.submit(label, LUMA_TEXT_TO_VIDEO, SPEC, run_async=True)


async def both(
    script: Script, *, read_seconds: float = 5.0
) -> tuple[SubmitAnswer, ResultAnswer, int]:
    """A submission and a look-up against one script, and how many connections they took."""
    async with (
        serving(script) as server,
        upstream(server.url, read_seconds=read_seconds) as client,
    ):
        answers = await submitted(client), await client.result("main", ID)
        return *answers, server.connections


async def test_a_submission_says_exactly_what_was_asked() -> None:
    async with (
        serving(answering(200, PROCESSING)) as server,
        upstream(server.url + "/") as client,
    ):
        assert await submitted(client) == Running(upstream_id=ID)
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/api/features")
    assert request.headers["api-key"] == "key-of-the-account"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("reelgate")
    assert json.loads(request.body) == {
        "type": "TEXT_TO_VIDEO",
        "model": "luma",
        "promptObject": {
            "prompt": "a lighthouse “in fog” 🌫",
            "modelName": "ray-v3",
            "duration": "5s",
            "resolution": "720p",
        },
        "async": True,
    }


async def test_a_look_up_asks_for_one_quoted_id() -> None:
    odd = "a b?c=d&e#f%"
    async with (
        serving(answering(200, {"aiRecord": None})) as server,
        upstream(server.url) as client,
    ):
        assert await client.result("spare", odd) == Missing()
    (request,) = server.requests
    assert (request.method, request.path) == ("GET", "/api/results/a%20b%3Fc%3Dd%26e%23f%25")
    assert request.headers["api-key"] == "other-key"


async def test_every_call_has_its_own_connection() -> None:
    _, _, connections = await both(answering(200, PROCESSING))
    assert connections == 2


async def test_a_refused_port_processed_nothing() -> None:
    async with upstream(f"http://127.0.0.1:{closed_port()}") as client:
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


async def test_silence_is_lost() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.until_hung_up()

    async with serving(script) as server, upstream(server.url, read_seconds=0.1) as client:
        assert await submitted(client) == Lost(reason="timeout")


async def test_a_drip_that_never_pauses_ends_at_the_deadline() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            await connection.send(b" ")
            await asyncio.sleep(0.01)

    async with serving(script) as server, upstream(server.url, read_seconds=0.2) as client:
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


async def test_calls_go_to_the_client_with_fewest_in_flight() -> None:
    arrived: asyncio.Queue[str] = asyncio.Queue()

    async def script(connection: Connection) -> None:
        arrived.put_nowait((await connection.request()).headers["x-pool"])
        await connection.until_hung_up()

    async with serving(script) as server, upstream(server.url, pools=3) as client:
        held, pools = [], []
        for _ in range(4):
            held.append(asyncio.create_task(submitted(client)))
            pools.append(await arrived.get())
        assert pools == ["0", "1", "2", "0"]
        held[1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await held[1]
        held.append(asyncio.create_task(submitted(client)))
        assert await arrived.get() == "1"
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)


async def test_calls_are_observed_and_a_faulty_observer_costs_nothing() -> None:
    seen: list[tuple[str, str]] = []

    def observe(operation: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        seen.append((operation, outcome))
        raise RuntimeError("no room for metrics")

    async with (
        serving(answering(200, PROCESSING)) as server,
        upstream(server.url, observe=observe) as client,
    ):
        assert await submitted(client) == Running(upstream_id=ID)
        assert await client.result("main", "another") == Busy(reason="wrong_id")
    async with upstream(f"http://127.0.0.1:{closed_port()}", observe=observe) as client:
        await submitted(client)
    assert seen == [
        ("submit", "running"),
        ("result", "busy:wrong_id"),
        ("submit", "not_processed:unreachable"),
    ]


async def test_a_canceled_call_is_observed_as_aborted() -> None:
    seen: list[str] = []
    arrived = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        arrived.set()
        await connection.until_hung_up()

    def observe(_operation: str, outcome: str, _seconds: float) -> None:
        seen.append(outcome)

    async with serving(script) as server, upstream(server.url, observe=observe) as client:
        call = asyncio.create_task(client.result("main", ID))
        await arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert seen == ["aborted"]


async def test_a_label_that_is_not_configured_sends_nothing() -> None:
    async with serving(answering(200, PROCESSING)) as server, upstream(server.url) as client:
        assert client.labels() == ("main", "spare")
        assert await submitted(client, "removed") == NotProcessed(reason="key_unknown")
        assert await client.result("removed", ID) == Busy(reason="key_unknown")
    assert server.connections == 0


@pytest.mark.parametrize(
    ("status", "document", "verdict"),
    [
        (200, {"aiRecord": None}, KeyCheck.OK),
        (401, {"errorCode": "HTTP_EXCEPTION", "message": "deleted"}, KeyCheck.REJECTED),
        (503, {}, KeyCheck.UNREACHABLE),
    ],
)
async def test_a_key_is_checked_by_a_harmless_look_up(
    status: int, document: Any, verdict: KeyCheck
) -> None:
    async with serving(answering(status, document)) as server, upstream(server.url) as client:
        assert await client.check_key("main") is verdict
    assert [request.method for request in server.requests] == ["GET"]


async def test_a_rejected_key_is_named_in_the_answer() -> None:
    submission, result, _ = await both(answering(401, {}))
    assert isinstance(submission, NotProcessed)
    assert isinstance(result, Busy)
    assert submission.key_trouble is result.key_trouble is KeyTrouble.REJECTED


async def test_a_video_is_downloaded_through_the_guard() -> None:
    async def script(connection: Connection) -> None:
        request = await connection.request()
        body = b"video" if request.method == "GET" and request.path.startswith("/v.mp4") else b"{}"
        await connection.send(http(200, body))

    async with (
        serving(script) as server,
        upstream(server.url) as client,
        client.download(server.url + "/v.mp4?s=1", headers={"Range": "bytes=0-"}) as response,
    ):
        assert await response.aread() == b"video"
    assert server.requests[0].headers["range"] == "bytes=0-"
    assert "api-key" not in server.requests[0].headers


async def test_neither_key_nor_link_is_in_a_representation() -> None:
    found = Succeeded(upstream_id=ID, paths=("videos/v.mp4",), link="https://h/v?Signature=secret")
    async with upstream("http://upstream.test") as client:
        assert "key-of-the-account" not in repr(vars(client))
    assert "secret" not in repr(found)
