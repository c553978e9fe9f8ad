"""Streams of events over a real socket, as a client reads them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn

from app.http.server import server_config
from app.main import create_app
from app.runtime import ApiRuntime
from tests.harness.processes import Api

#: Longer than any event takes on a busy machine.
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Sent:
    """One event as a browser would dispatch it; `data` None where it only has an id or a retry."""

    id: str | None
    event: str | None
    retry: str | None
    data: Any


class Stream:
    """Reads one answer as WHATWG HTML 9.2.6 says."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()
        self.comments: list[str] = []
        self.last_id: str | None = None

    async def next(self) -> Sent:
        """The next event, or the beginning. Raises `StopAsyncIteration` at the end."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for line in self._lines:
                if line.startswith(":"):
                    self.comments.append(line[1:].strip())
                elif line:
                    name, _, value = line.partition(":")
                    fields[name] = fields.get(name, "") + value.removeprefix(" ")
                elif fields:
                    break
                elif self.comments:
                    return Sent(None, None, None, None)
            else:
                raise StopAsyncIteration
        self.last_id = fields.get("id", self.last_id)
        data = fields.get("data")
        return Sent(
            fields.get("id"), fields.get("event"), fields.get("retry"),
            None if data is None else json.loads(data),
        )  # fmt: skip

    async def events(self, count: int) -> list[Sent]:
        """The next so many of something that happened."""
        found: list[Sent] = []
        # Over all: heartbeats alone could go on for ever.
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(found) < count:
                sent = await self.next()
                if sent.data is not None and sent.event not in ("progress", "listening"):
                    found.append(sent)
        return found

    async def rest(self) -> list[Sent]:
        """All until it ends."""
        found: list[Sent] = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    sent = await self.next()
                except StopAsyncIteration:
                    return found
                if sent.data is not None:
                    found.append(sent)


class Listener:
    """A client at one server's address."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.http = httpx.AsyncClient(base_url=address, timeout=120, trust_env=False)

    async def get(self, path: str, key: str | None = None, **headers: str) -> httpx.Response:
        """A whole answer. Over all it may take no longer than patience: one that should not be a
        stream and is would go on for ever, as its heartbeats keep any read from timing out."""
        sent = _headers(key, headers)
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.http.get(path, headers=sent)

    @contextlib.asynccontextmanager
    async def stream(
        self, path: str, key: str | None = None, **headers: str
    ) -> AsyncIterator[Stream]:
        """`_` in a header's name is a dash."""
        async with self.http.stream("GET", path, headers=_headers(key, headers)) as response:
            yield Stream(response)


def _headers(key: str | None, named: dict[str, str]) -> dict[str, str]:
    sent = {name.replace("_", "-"): value for name, value in named.items()}
    return sent if key is None else {"API-KEY": key, **sent}


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@contextlib.asynccontextmanager
async def serving(rt: ApiRuntime) -> AsyncIterator[Listener]:
    """The application on a port of its own, stopped as a process stops."""
    with socket.create_server(("127.0.0.1", 0)) as port:
        server = _Server(server_config(create_app(rt), rt.settings))
        running = asyncio.create_task(server.serve(sockets=[port]))
        listener = Listener(f"http://127.0.0.1:{port.getsockname()[1]}")
        try:
            yield listener
        finally:
            await listener.http.aclose()
            rt.drain()
            server.should_exit = True
            await running


def streams(api: Api) -> int:
    """How many this process counts."""
    lines = api.http.get("/metrics").text.splitlines()
    return int(
        float(next(each for each in lines if each.startswith("reelgate_streams ")).split()[1])
    )
