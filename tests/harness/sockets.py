"""The gateway behind a real socket, in the event loop of the test, and a port for a process."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import httpx
import uvicorn

from app.http.server import server_config
from app.main import create_app
from tests.harness.gateway import Gateway


@contextlib.asynccontextmanager
async def listening(gate: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    """Yields a client of the gateway. Starts and stops the server step by step: `Server.serve` adds
    a few tenths of a second."""
    settings = server_config(create_app(gate.rt), gate.rt.settings, host="127.0.0.1", port=0)
    settings.timeout_graceful_shutdown = 1
    settings.load()
    server = uvicorn.Server(settings)
    server.lifespan = settings.lifespan_class(settings)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False
    ) as http:
        try:
            yield http
        finally:
            await server.shutdown()


@contextlib.contextmanager
def kept_port() -> Iterator[int]:
    """A port that nobody else is given. A server that reuses addresses may still listen at it,
    since this socket does not."""
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        yield kept.getsockname()[1]
