"""What a public port needs: slow, endless and too many clients are dropped, the rest is served."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from app.generations import queries
from app.http import bodies, protocol
from app.http.protocol import MAX_HEAD_BYTES
from app.loop import raise_file_limit
from tests.harness.gateway import Gateway, body, gateway
from tests.harness.sockets import listening
from tests.simulator.conftest import until

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def served(
    database_url: str, folder: Path, **settings: Any
) -> AsyncIterator[tuple[Gateway, httpx.AsyncClient]]:
    async with (
        gateway(database_url, folder, worker=False, **settings) as gate,
        listening(gate) as http,
    ):
        yield gate, http


async def connect(http: httpx.AsyncClient) -> Streams:
    parts = urlsplit(str(http.base_url))
    return await asyncio.open_connection(parts.hostname, parts.port)


async def dropped(reader: asyncio.StreamReader) -> bool:
    """Whether the server ended the connection without an answer."""
    async with asyncio.timeout(120):
        try:
            return await reader.read() == b""
        except ConnectionError:
            return True


@pytest.mark.parametrize("sent", [b"", b"GET /livez HTTP/1.1\r\nHost: a\r\nX-Slow: "])
async def test_a_head_that_does_not_come_is_not_waited_for(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    async with served(database_url, tmp_path) as (_, http):
        reader, writer = await connect(http)
        writer.write(sent)
        assert await dropped(reader)
        writer.close()


async def test_a_slow_second_request_on_a_kept_connection_is_dropped_too(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    async with served(database_url, tmp_path) as (_, http):
        parts = urlsplit(str(http.base_url))
        caller = socket.create_connection((parts.hostname, parts.port))
        # Without a turn of the loop in between: the first head has come before its time begins.
        caller.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        reader, writer = await asyncio.open_connection(sock=caller)
        answer = await reader.readuntil(b"}")
        assert answer.startswith(b"HTTP/1.1 200")
        writer.write(b"GET /livez HTT")
        assert await dropped(reader)
        writer.close()


async def test_an_endless_head_is_cut(database_url: str, tmp_path: Path) -> None:
    async with served(database_url, tmp_path) as (_, http):
        reader, writer = await connect(http)
        writer.write(b"GET /livez HTTP/1.1\r\nHost: a\r\n")
        line = b"X-Padding: " + b"a" * 1000 + b"\r\n"
        for _ in range(MAX_HEAD_BYTES // len(line) + 2):
            writer.write(line)
        assert await dropped(reader)
        writer.close()


async def test_a_body_that_does_not_come_is_a_timeout_and_charges_nothing(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.1)
    async with served(database_url, tmp_path) as (gate, http):
        key = await gate.member()
        reader, writer = await connect(http)
        head = f"POST /api/features HTTP/1.1\r\nHost: a\r\nAPI-KEY: {key}\r\n"
        writer.write(f'{head}Content-Length: 100\r\n\r\n{{"type": '.encode())
        answer = await reader.readuntil(b"}")
        assert b" 408 " in answer.splitlines()[0]
        assert b"REQUEST_TIMEOUT" in answer
        writer.close()
        me = await http.get("/api/v1/me", headers={"API-KEY": key})
        assert me.json()["credits"]["binding"]["used_credits"] == 0


#: What Java's own client offers with every request over plain HTTP, what browsers do, and others.
OFFERS = [
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIA",
    "Connection: keep-alive\r\nconnection:upgrade\r\nUPGRADE: h2c\r\nUpgrade: x/1",
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13",
]


@pytest.mark.parametrize("step", [7, 200, 1_000_000])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("offer", OFFERS)
async def test_a_request_that_offers_another_protocol_is_answered_like_any_other(
    database_url: str, tmp_path: Path, offer: str, chunked: bool, step: int
) -> None:
    asked = json.dumps(body("x" * 5_000)).encode()
    length, sent = f"Content-Length: {len(asked)}", asked
    if chunked:
        length, sent = "Transfer-Encoding: chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(asked), asked)
    async with served(database_url, tmp_path) as (gate, http):
        key = await gate.member()
        create = f"POST /api/features HTTP/1.1\r\nHost: a\r\n{offer}\r\nAPI-KEY: {key}\r\n"
        look = f"GET /livez HTTP/1.1\r\nHost: a\r\n{offer}\r\n\r\n"
        head = f"{create}Prefer: respond-async\r\n{length}\r\n\r\n"
        whole = head.encode() + sent + look.encode() * 2
        reader, writer = await connect(http)
        for start in range(0, len(whole), step):
            writer.write(whole[start : start + step])
            await writer.drain()
        async with asyncio.timeout(120):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 202")
            for _ in range(2):
                assert b"HTTP/1.1 200" in await reader.readuntil(b"\r\n\r\n")
        writer.close()
        made = (await http.get("/api/v1/generations", headers={"API-KEY": key})).json()["data"]
        assert [len(each["spec"]["prompt"]) for each in made] == [5_000]


async def test_nobody_is_connected_through(database_url: str, tmp_path: Path) -> None:
    async with served(database_url, tmp_path) as (_, http):
        reader, writer = await connect(http)
        writer.write(b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n")
        async with asyncio.timeout(120):
            assert (await reader.read()).startswith(b"HTTP/1.1 400")
        writer.close()


async def test_a_member_may_keep_only_so_many_requests_waiting(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MAX_WAITING_PER_MEMBER", 2)
    async with served(database_url, tmp_path) as (gate, http):
        ada, ben = await gate.member("ada"), await gate.member("ben")

        async def ask(key: str) -> httpx.Response:
            return await http.post("/api/features", json=body(), headers={"API-KEY": key})

        waiting = [asyncio.create_task(ask(ada)) for _ in range(2)]

        async def both() -> bool:
            return gate.rt.watch.waiting == 2

        await until(both)
        assert (await ask(ada)).status_code == 202
        other = asyncio.create_task(ask(ben))

        async def three() -> bool:
            return gate.rt.watch.waiting == 3

        await until(three)
        gate.rt.drain()
        answers = await asyncio.gather(*waiting, other)
        assert [answer.status_code for answer in answers] == [202, 202, 202]
        assert gate.rt.waiting_by_member == {}


async def test_hundreds_of_waiting_requests_do_not_stop_a_create(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many, at_once = 400, 20
    monkeypatch.setattr(queries, "MAX_WAITING_PER_MEMBER", many)
    raise_file_limit()  # both ends of each connection are files of this process
    async with served(database_url, tmp_path, max_connections=4 * many) as (gate, http):
        crowd = await gate.member(
            "crowd", rate_per_minute=60_000, rate_burst=many, max_open=many,
            credit_limit=10**12,
        )  # fmt: skip
        asked = json.dumps(body()).encode()
        head = f"POST /api/features HTTP/1.1\r\nHost: a\r\nAPI-KEY: {crowd}\r\n"
        request = f"{head}Content-Length: {len(asked)}\r\n\r\n".encode() + asked
        streams: list[Streams] = []

        async def all_wait() -> bool:
            return gate.rt.watch.waiting == len(streams)

        while len(streams) < many:
            for _ in range(at_once):
                streams.append(await connect(http))
                streams[-1][1].write(request)
            await until(all_wait, seconds=60)
        key = await gate.member("ada")
        answer = await http.post(
            "/api/features", json=body(),
            headers={"API-KEY": key, "Prefer": "respond-async"},
        )  # fmt: skip
        assert answer.status_code == 202
        for _, writer in streams:
            writer.close()

        async def all_left() -> bool:
            return gate.rt.watch.waiting == 0

        await until(all_left, seconds=60)
