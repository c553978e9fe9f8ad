"""A stop waits for requests in flight, and not for ever."""

from __future__ import annotations

import asyncio
import socket

import pytest
from starlette.types import Receive, Scope, Send

from app.http.middleware import RequestContext
from app.http.server import Server, server_config
from tests.harness.gateway import Gateway


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"], scope="module")
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


async def test_who_was_waited_for_as_long_as_may_be_gets_no_answer_instead_of_a_wrong_one(
    still_gate: Gateway,
) -> None:
    begun = asyncio.Event()

    async def endless(_: Scope, __: Receive, ___: Send) -> None:
        begun.set()
        await asyncio.Event().wait()

    rt = still_gate.rt
    settings = rt.settings.model_copy(update={"drain_seconds": 0.1})
    server = Server(server_config(RequestContext(endless, runtime=rt), settings))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await server.startup([listener])
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await begun.wait()
        await server.shutdown([listener])
        try:
            answer = await reader.read()
        except ConnectionResetError:
            answer = b""
        writer.close()
    assert answer == b""
