"""What each call of the client sends, and where it sends it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from app.domain.upstream_keys import KeyCheck
from app.upstream.answers import Busy, KeyTrouble, Missing, NotProcessed, Running, Succeeded
from tests.upstream.calling import ID, PROCESSING, both, submitted, upstream
from tests.upstream.fetching import read
from tests.upstream.loopback import Connection, answering, http, refusing, serving


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
    with refusing() as address:
        async with upstream(address, observe=observe) as client:
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
        (402, {"errorCode": "INSUFFICIENT_CREDITS", "message": ""}, KeyCheck.OK),
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
        assert await read(response) == b"video"
    assert server.requests[0].headers["range"] == "bytes=0-"
    assert "api-key" not in server.requests[0].headers


async def test_neither_key_nor_link_is_in_a_representation() -> None:
    found = Succeeded(upstream_id=ID, paths=("videos/v.mp4",), link="https://h/v?Signature=secret")
    async with upstream("http://upstream.test") as client:
        assert "key-of-the-account" not in repr(vars(client))
    assert "secret" not in repr(found)
