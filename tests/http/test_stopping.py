"""A stop drops no request of which a byte has come, and nobody who is connected already."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from app.http import protocol as served
from app.http import server
from app.http.protocol import BoundedProtocol
from app.http.server import Server, server_config
from tests.harness.gateway import settings_for
from tests.simulator.conftest import until

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#: Longer than any machine stands still.
PATIENCE_SECONDS = 60.0
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"], scope="module")
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "HEAD_SECONDS", PATIENCE_SECONDS)


@dataclass
class Door:
    """A server that answers `ok` to everything, once `open_` is set."""

    folder: Path
    open_: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        settings = settings_for("postgresql://nowhere/none", self.folder)
        self.server = Server(server_config(self, settings))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self.listener.getsockname()
        self.stopping: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.open_.wait()
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})

    async def start(self) -> None:
        self.server.config.load()
        self.server.lifespan = self.server.config.lifespan_class(self.server.config)
        await self.server.startup([self.listener])

    async def connect(self) -> Streams:
        """Returns once the server has the connection too."""
        before = len(self.server.server_state.connections)
        streams = await asyncio.open_connection(*self.address)

        async def accepted() -> bool:
            return len(self.server.server_state.connections) > before

        await until(accepted)
        return streams

    async def stop(self) -> None:
        """Returns once nobody can connect any more; what is open is served on."""
        self.stopping = asyncio.create_task(self.server.shutdown([self.listener]))

        async def closed() -> bool:
            return self.listener.fileno() < 0

        await until(closed)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    door = Door(tmp_path)
    door.open_.set()
    await door.start()
    yield door
    if door.stopping is None:
        await door.stop()
    assert door.stopping is not None
    await door.stopping


async def answered(streams: Streams) -> bool:
    """Whether one whole answer came, that says it is the last, and then the end."""
    reader, writer = streams
    async with asyncio.timeout(PATIENCE_SECONDS):
        seen = await reader.read()
    writer.close()
    return seen.startswith(b"HTTP/1.1 200") and b"connection: close" in seen and seen[-2:] == b"ok"


async def kept(door: Door) -> Streams:
    """A connection on which one request has been answered."""
    streams = await door.connect()
    streams[1].write(REQUEST)
    await streams[0].readuntil(b"ok")
    return streams


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is silent when the stop begins has all the time that a test takes to ask."""
    monkeypatch.setattr(served, "LINGER_SECONDS", PATIENCE_SECONDS)


@pytest.mark.usefixtures("patient")
async def test_who_connected_and_then_asks_is_answered(door: Door) -> None:
    streams = await door.connect()
    await door.stop()
    streams[1].write(REQUEST)
    assert await answered(streams)


@pytest.mark.usefixtures("patient")
async def test_who_asks_again_on_a_kept_connection_is_answered(door: Door) -> None:
    streams = await kept(door)
    await door.stop()
    streams[1].write(REQUEST)
    assert await answered(streams)


@pytest.mark.parametrize("begin", ["new", "kept"])
async def test_half_a_head_is_waited_for(
    door: Door, begin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served, "LINGER_SECONDS", 0.1)
    looked_at, leave = asyncio.Event(), BoundedProtocol._leave

    def left(protocol: BoundedProtocol) -> None:
        leave(protocol)
        looked_at.set()

    monkeypatch.setattr(BoundedProtocol, "_leave", left)
    streams = await (kept(door) if begin == "kept" else door.connect())
    streams[1].write(REQUEST[:20])
    await streams[1].drain()
    await door.stop()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await looked_at.wait()
    streams[1].write(REQUEST[20:])
    assert await answered(streams)


async def test_a_request_in_flight_is_answered(door: Door) -> None:
    door.open_.clear()
    streams = await door.connect()
    streams[1].write(REQUEST)

    async def begun() -> bool:
        return bool(door.server.server_state.tasks)

    await until(begun)
    await door.stop()
    door.open_.set()
    assert await answered(streams)


async def test_who_is_connected_and_not_yet_accepted_is_answered(door: Door) -> None:
    """Or accepted by the loop, and not yet heard of by the server."""
    # Without a turn of the loop in between, so that nobody can hear of it.
    with socket.create_connection(door.address) as caller:
        caller.sendall(REQUEST)
        door.stopping = asyncio.create_task(door.server.shutdown([door.listener]))
        assert await answered(await asyncio.open_connection(sock=caller))


async def test_nobody_connects_between_the_last_look_and_the_close(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, queued = socket.socket(), server._queued

    def looked_at(listener: socket.socket) -> Iterator[socket.socket]:
        yield from queued(listener)
        late.connect_ex(door.address)

    late.setblocking(False)
    monkeypatch.setattr(server, "_queued", looked_at)
    await door.stop()
    # Refused, so that the client knows that nobody has read its request; a reset would not say.
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_writer(late, ended.set)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await ended.wait()
    loop.remove_writer(late)
    with late:
        assert late.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED


async def test_what_lies_unread_when_a_silent_connection_would_be_closed_is_answered(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served, "LINGER_SECONDS", 0.0)
    with socket.create_connection(door.address) as caller:

        async def accepted() -> bool:
            return bool(door.server.server_state.connections)

        await until(accepted)
        # Without a turn of the loop in between, so that nobody can read it.
        caller.sendall(REQUEST)
        (connection,) = door.server.server_state.connections
        connection.shutdown()
        assert await answered(await asyncio.open_connection(sock=caller))


async def test_who_stays_silent_is_closed_after_a_moment(door: Door) -> None:
    streams = [await door.connect(), await kept(door)]
    await door.stop()
    assert door.stopping is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert [await reader.read() for reader, _ in streams] == [b"", b""]
        await door.stopping
    for _, writer in streams:
        writer.close()


@pytest.mark.parametrize(("drain_seconds", "waits"), [(0.2, 1), (1.9, 2), (30, 30)])
async def test_a_short_drain_time_is_some(door: Door, drain_seconds: float, waits: int) -> None:
    settings = settings_for("postgresql://nowhere/none", door.folder, drain_seconds=drain_seconds)
    assert server_config(door, settings).timeout_graceful_shutdown == waits
