"""The servers of these tests leave nothing open."""

from __future__ import annotations

import asyncio
import gc
import socket

import pytest

from tests.upstream.loopback import Connection, http, serving


async def _answer(connection: Connection) -> None:
    await connection.send(http(204))


@pytest.mark.parametrize("turns", range(6))
async def test_a_server_that_ends_as_somebody_connects_leaves_nothing_open(turns: int) -> None:
    """At whatever turn of the loop. What is left open warns when it is collected, which fails."""
    async with serving(_answer) as server:
        client = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        for _ in range(turns):
            await asyncio.sleep(0)
    with client:
        gc.collect()
