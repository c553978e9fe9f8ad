"""Clients that take nothing cost a bounded amount of memory for a bounded time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from starlette.types import Receive, Scope, Send

from app.db.events import Event, Whose
from app.domain.generation import Generation, State
from app.http.server import server_config
from app.http.streams import EventStream
from app.live.feed import MAX_BEHIND, FeedItem, Listener
from tests.harness.gateway import settings_for
from tests.harness.specs import luma
from tests.live.streams import PATIENCE_SECONDS, _Server

GENERATION = Generation(
    id=uuid4(), team_id=uuid4(), member_id=uuid4(), dialect="rest", feature="TEXT_TO_VIDEO",
    provider="luma", spec=luma(prompt="x", model="ray-v3",
                               duration="5s"),
    state=State.QUEUED, quote=1, settled=None, result_paths=(), error_code=None,
    error_message=None, created_at=datetime.now(UTC), submitted_at=None, running_at=None,
    finished_at=None, asset=None,
)  # fmt: skip


def item(number: int) -> FeedItem:
    event = Event(
        id=number, txid=number, generation_id=GENERATION.id, team_id=GENERATION.team_id,
        member_id=GENERATION.member_id, type="generation.queued", created_at=GENERATION.created_at,
        content=None,
    )  # fmt: skip
    return FeedItem(event, GENERATION)


async def test_one_that_is_too_far_behind_is_let_go_with_what_it_has() -> None:
    listener = Listener(Whose(member_id=GENERATION.member_id), GENERATION.member_id, uuid4())
    for number in range(MAX_BEHIND + 5):
        listener.offer(item(number))
    assert listener.ended == "behind"
    assert await listener.heard(seconds=PATIENCE_SECONDS)
    taken = 0
    while listener.take() is not None:
        taken += 1
    assert taken == MAX_BEHIND, "in order and without a gap: it goes on behind the last of them"


async def test_one_that_takes_nothing_is_cut_off(database_url: str, tmp_path: Path) -> None:
    left = asyncio.Event()

    async def endless() -> AsyncGenerator[bytes, None]:
        while True:
            yield b": " + b"x" * 65_536 + b"\n\n"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        stream = EventStream(endless(), leave=left.set, send_seconds=0.2)
        await stream(scope, receive, send)

    settings = settings_for(database_url, tmp_path)
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as port, socket.socket() as client:
        server = _Server(server_config(app, settings))
        running = asyncio.create_task(server.serve(sockets=[port]))
        client.setblocking(False)
        await loop.sock_connect(client, port.getsockname())
        await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(PATIENCE_SECONDS):
            await left.wait()
            # Nothing is kept for it: what was on its way is gone too, and the connection is reset.
            with contextlib.suppress(ConnectionResetError):
                while await loop.sock_recv(client, 1_000_000):
                    pass
            assert not server.server_state.connections
        server.should_exit = True
        await running


async def test_one_that_hangs_up_leaves_at_once(database_url: str, tmp_path: Path) -> None:
    left, hung_up = asyncio.Event(), asyncio.Event()

    async def silent() -> AsyncGenerator[bytes, None]:
        yield b": here\n\n"
        await left.wait()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await EventStream(silent(), leave=left.set)(scope, receive, send)
        hung_up.set()

    settings = settings_for(database_url, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as port:
        server = _Server(server_config(app, settings))
        running = asyncio.create_task(server.serve(sockets=[port]))
        reader, writer = await asyncio.open_connection(*port.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(PATIENCE_SECONDS):
            await reader.readuntil(b": here")
            assert not left.is_set()
            writer.close()
            await hung_up.wait()
        server.should_exit = True
        await running
