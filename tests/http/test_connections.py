"""A client that holds on to connections: it loses them in time, and shuts nobody out."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from app.http import protocol
from app.http.connections import Connections
from app.http.protocol import MAX_HEAD_BYTES, MAX_PIPELINED, BoundedProtocol
from app.http.server import Server, server_config
from tests.harness.gateway import Gateway, settings_for
from tests.harness.sockets import listening
from tests.simulator.conftest import until

PATIENCE_SECONDS = 60.0
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
KEYLESS = b"POST /v1/videos HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"], scope="module")
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every deadline is over in a moment."""
    for name in ("HEAD_SECONDS", "REST_SECONDS", "KEEP_ALIVE_SECONDS", "STALL_SECONDS"):
        monkeypatch.setattr(protocol, name, 0.3)
    monkeypatch.setattr(BoundedProtocol, "_allowance", 0.3)
    monkeypatch.setattr(protocol, "LOOK_SECONDS", 0.05)


@dataclass
class Site:
    """A server of one application: `/held` is answered once `release` is set, `/long` with many
    bytes, all else with `ok`. None of them reads a body."""

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    answered: int = 0
    opened: list[Streams] = field(default_factory=list)
    long: bytes = b"x" * 20_000_000

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/held":
            await self.release.wait()
        body = self.long if scope["path"] == "/long" else b"ok"
        self.answered += 1
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for start in range(0, len(body), 100_000):
            part = body[start : start + 100_000]
            more = start + 100_000 < len(body)
            await send({"type": "http.response.body", "body": part, "more_body": more})

    async def start(self) -> None:
        settings = settings_for("postgresql://nowhere/none", self.folder, **self.settings)
        self.server = Server(server_config(self, settings))
        self.server.config.load()
        self.server.lifespan = self.server.config.lifespan_class(self.server.config)
        self.listener = socket.create_server(("127.0.0.1", 0))
        await self.server.startup([self.listener])

    async def stop(self) -> None:
        for streams in self.opened:
            streams[1].transport.abort()
        await self.server.shutdown([self.listener])

    async def connect(self, address: str = "127.0.0.1", **options: Any) -> Streams:
        host, port = self.listener.getsockname()
        streams = await asyncio.open_connection(host, port, local_addr=(address, 0), **options)
        self.opened.append(streams)
        return streams

    async def used(self, address: str = "127.0.0.1") -> Streams:
        """A connection on which one request has been answered."""
        streams = await self.connect(address)
        assert await ask(streams)
        return streams

    async def held(self) -> Streams:
        """A connection whose request is not answered yet."""
        streams = await self.connect()
        before = len(self.server.server_state.tasks)
        streams[1].write(REQUEST.replace(b"/", b"/held", 1))

        async def begun() -> bool:
            return len(self.server.server_state.tasks) > before

        await until(begun)
        return streams


@pytest.fixture
async def site(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    """Its parameter are settings."""
    site = Site(tmp_path, getattr(request, "param", {}))
    await site.start()
    yield site
    await site.stop()


async def gone(streams: Streams) -> bytes:
    """What came before the server ended the connection."""
    seen = b""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                part = await streams[0].read(65_536)
            except ConnectionError:
                return seen
            if not part:
                return seen
            seen += part


async def ask(streams: Streams, request: bytes = REQUEST) -> bool:
    """Whether it is answered with `ok`."""
    streams[1].write(request)
    async with asyncio.timeout(PATIENCE_SECONDS):
        try:
            return (await streams[0].readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        except (ConnectionError, asyncio.IncompleteReadError):
            return False


# Deadlines


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize(
    ("request_", "more"),
    [
        (REQUEST, b""),
        (REQUEST, b"\r\n"),
        (REQUEST, b"G"),
        (KEYLESS, b""),
        (KEYLESS, b"x"),
        (KEYLESS.replace(b"Content-Length: 100\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n"),
         b"1"),
        (REQUEST.replace(b"Host", b"Expect: 100-continue\r\nContent-Length: 9\r\nHost"), b""),
    ],
)  # fmt: skip
async def test_an_answered_client_that_goes_on_with_nothing_loses_its_connection(
    site: Site, request_: bytes, more: bytes
) -> None:
    streams = await site.connect()
    assert await ask(streams, request_)
    streams[1].write(more)
    assert await gone(streams) == b""


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize("more", [b"\r\n", b"x"])
async def test_bytes_that_lead_nowhere_buy_no_time(site: Site, more: bytes) -> None:
    streams = await site.connect()
    assert await ask(streams, REQUEST if more == b"\r\n" else KEYLESS)

    async def drip() -> None:
        while True:
            streams[1].write(more)
            await asyncio.sleep(0.01)

    dripping = asyncio.create_task(drip())
    assert await gone(streams) == b""
    dripping.cancel()


async def test_the_rest_of_a_refused_body_may_come_and_the_connection_goes_on(site: Site) -> None:
    streams = await site.connect()
    assert await ask(streams, KEYLESS)
    assert await ask(streams, b"x" * 99 + REQUEST)
    assert await ask(streams)


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize("keep", [b"", b"Connection: close\r\n"])
async def test_an_answer_that_nobody_takes_is_given_up(site: Site, keep: bytes) -> None:
    streams = await site.connect(limit=1)
    streams[1].write(b"GET /long HTTP/1.1\r\nHost: a\r\n" + keep + b"\r\n")

    async def closed() -> bool:
        return site.answered == 1 and not site.server.server_state.connections

    await until(closed)
    assert len(await gone(streams)) < len(site.long)


@pytest.mark.usefixtures("brief")
async def test_a_slow_client_gets_all_of_a_long_answer(site: Site) -> None:
    """It takes a part now and then, and longer for all than it may take for nothing."""
    streams = await site.connect(limit=1)
    streams[1].write(b"GET /long HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    began, seen = asyncio.get_running_loop().time(), 0
    async with asyncio.timeout(PATIENCE_SECONDS):
        while part := await streams[0].read(1_000_000):
            seen += len(part)
            await asyncio.sleep(0.05)
    assert seen > len(site.long)
    assert asyncio.get_running_loop().time() - began > 2 * protocol.STALL_SECONDS


@pytest.mark.usefixtures("brief")
async def test_who_is_made_to_wait_is_waited_for(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streams and creates that wait are silent for longer than any client may be."""
    looks, look = 0, BoundedProtocol._look

    def counted(connection: BoundedProtocol) -> None:
        nonlocal looks
        looks += 1
        look(connection)

    monkeypatch.setattr(BoundedProtocol, "_look", counted)
    streams = await site.held()

    async def looked_at() -> bool:
        return looks > 10

    await until(looked_at)
    site.release.set()
    assert (await streams[0].readuntil(b"ok")).startswith(b"HTTP/1.1 200")


# Heads, and requests sent ahead


@pytest.mark.parametrize("ending", [b"\r\n\r\n", b""])
@pytest.mark.parametrize("before", [b"", REQUEST])
async def test_a_head_that_is_too_long_is_refused_though_it_comes_at_once(
    site: Site, before: bytes, ending: bytes
) -> None:
    streams = await site.connect()
    streams[1].write(before + REQUEST[:-2] + b"X: " + b"a" * MAX_HEAD_BYTES + ending)
    await gone(streams)
    assert site.answered <= (1 if before else 0)


async def test_the_longest_head_is_read(site: Site) -> None:
    streams = await site.connect()
    head = REQUEST[:-2] + b"X: \r\n\r\n"
    assert await ask(streams, head.replace(b"X: ", b"X: " + b"a" * (MAX_HEAD_BYTES - len(head))))


async def test_so_many_requests_may_be_sent_ahead_and_no_more(site: Site) -> None:
    streams = await site.connect()
    streams[1].write(REQUEST.replace(b"/", b"/held", 1) + REQUEST * MAX_PIPELINED)
    await streams[1].drain()
    site.release.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        for _ in range(1 + MAX_PIPELINED):
            assert (await streams[0].readuntil(b"ok")).startswith(b"HTTP/1.1 200")
    assert await ask(streams)
    site.release.clear()
    body = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    streams[1].write(REQUEST.replace(b"/", b"/held", 1) + body * 2_000)
    await streams[1].drain()
    site.release.set()
    assert (await gone(streams)).count(b"HTTP/1.1 200") == 1 + MAX_PIPELINED


async def test_what_is_no_request_does_not_break_into_an_answer(site: Site) -> None:
    streams = await site.connect()
    streams[1].write(REQUEST.replace(b"/", b"/held", 1) + b"\x00\x01 no request")
    await streams[1].drain()
    site.release.set()
    seen = await gone(streams)
    assert seen.count(b"HTTP/1.1") == 1
    assert seen.endswith(b"ok")


# Places


@pytest.mark.parametrize("site", [{"max_connections": 60}], indirect=True)
async def test_connections_that_are_held_shut_nobody_out(site: Site) -> None:
    held = []
    for _ in range(60):
        streams = await site.connect()
        assert await ask(streams, KEYLESS)
        streams[1].write(b"x")
        held.append(streams)
    for address in ("127.0.0.2", "127.0.0.1", "127.0.0.3"):
        await site.used(address)
    # Half of all are one address's; its newest ones are still there.
    assert await ask(held[-1], b"x" * 98 + REQUEST)
    assert await gone(held[0]) == b""


@pytest.mark.parametrize(
    "site", [{"max_connections": 3, "max_connections_per_address": 3}], indirect=True
)
async def test_the_place_of_the_longest_wait_is_given_away(site: Site) -> None:
    busy, first, second = await site.held(), await site.used(), await site.used()
    assert await ask(first)
    third = await site.used()
    assert await gone(second) == b""
    assert await ask(first)
    await site.used("127.0.0.2")
    assert await gone(third) == b""
    site.release.set()
    assert await busy[0].readuntil(b"ok")


@pytest.mark.parametrize(
    ("site", "stranger"),
    [({"max_connections": 2, "max_connections_per_address": 2}, False),
     ({"max_connections": 9, "max_connections_per_address": 2}, True)],
    indirect=["site"],
)  # fmt: skip
async def test_no_answer_is_given_up_for_a_newcomer(site: Site, stranger: bool) -> None:
    busy = [await site.held(), await site.held()]
    assert not await ask(await site.connect())
    assert await ask(await site.connect("127.0.0.2")) is stranger
    site.release.set()
    for streams in busy:
        assert await streams[0].readuntil(b"ok")
    await site.used()


async def test_a_keyless_client_of_the_gateway_loses_its_connection(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "REST_SECONDS", 0.3)
    async with listening(still_gate) as http:
        streams = await asyncio.open_connection(http.base_url.host, http.base_url.port)
        streams[1].write(KEYLESS)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert (await streams[0].readuntil(b"}")).startswith(b"HTTP/1.1 401")
        streams[1].write(b"x")
        await gone(streams)
        streams[1].close()


class Held:
    def __init__(self) -> None:
        self.gone = False

    def give_way(self) -> None:
        self.gone = True


def entered(places: Connections, *addresses: str) -> list[bool]:
    answers = []
    for each in addresses:
        held = Held()
        answers.append(places.enter(held, ip_address(each)))
        if answers[-1]:
            places.answers(held)
    return answers


def test_one_client_has_all_addresses_of_its_ipv6_network() -> None:
    places = Connections(most=100, most_of_address=2)
    assert entered(places, "2001:db8::1", "2001:db8::2", "2001:db8::3") == [True, True, False]
    assert entered(places, "2001:db8:0:1::1", "192.0.2.1") == [True, True]


def test_a_trusted_proxy_has_the_bound_of_all() -> None:
    places = Connections(most=4, most_of_address=1, trusted=[ip_network("10.0.0.0/8")])
    assert entered(places, "192.0.2.1", "192.0.2.1") == [True, False]
    assert entered(places, *["10.0.0.1"] * 4) == [True, True, True, False]


def test_places_are_given_back() -> None:
    places = Connections(most=2, most_of_address=1)
    held = Held()
    for _ in range(3):
        assert places.enter(held, ip_address("192.0.2.1"))
        places.waits(held)
        places.leave(held)
        places.leave(held)
    assert not held.gone
    other = Held()
    assert places.enter(held, ip_address("192.0.2.1"))
    places.waits(held)
    assert places.enter(other, ip_address("192.0.2.1"))
    assert held.gone
    places.leave(held)
    assert entered(places, "192.0.2.1", "192.0.2.2") == [False, True]
