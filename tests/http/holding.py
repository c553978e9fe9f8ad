"""A server of one small application, for clients that hold on to connections."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.types import Receive, Scope, Send

from app.http.server import Server, server_config
from tests.harness.gateway import settings_for
from tests.simulator.conftest import until

PATIENCE_SECONDS = 60.0
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
KEYLESS = b"POST /v1/videos HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


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
