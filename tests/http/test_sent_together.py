"""The head of a response leaves with the body that follows at once, and no later than before."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from app.http.protocol import _CountedTransport

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Recorded:
    """What is done with a transport, in its order."""

    def __init__(self) -> None:
        self.done: list[object] = []
        self.closing = False

    def write(self, data: bytes) -> None:
        self.done.append(data)

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.done.append("close")

    def get_write_buffer_size(self) -> int:
        return sum(len(each) for each in self.done if isinstance(each, bytes))


@pytest.fixture
async def below() -> Recorded:
    return Recorded()


@pytest.fixture
async def transport(below: Recorded) -> _CountedTransport:
    return _CountedTransport(cast(Any, below), asyncio.get_running_loop())


async def passed() -> None:
    """Whatever the event loop was to call has been called."""
    done = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(done.set_result, None)
    await done


async def test_a_body_that_follows_at_once_leaves_with_its_head(
    below: Recorded, transport: _CountedTransport
) -> None:
    for _ in range(2):
        transport.write(HEAD)
        transport.write(b"{}")
    await passed()
    assert below.done == [HEAD + b"{}"] * 2
    assert transport.sent == 2 * len(HEAD + b"{}")


async def test_a_head_without_a_body_leaves_by_itself(
    below: Recorded, transport: _CountedTransport
) -> None:
    """As that of a stream, whose first piece may come much later."""
    transport.write(HEAD)
    await passed()
    assert below.done == [HEAD]
    transport.write(b"data: 1")
    assert below.done == [HEAD, b"data: 1"]


async def test_whatever_else_is_done_finds_the_head_sent(
    below: Recorded, transport: _CountedTransport
) -> None:
    transport.write(HEAD)
    assert transport.get_write_buffer_size() == len(HEAD)
    transport.write(HEAD)
    transport.close()
    await passed()
    assert below.done == [HEAD, HEAD, "close"]


async def test_nothing_is_written_to_a_lost_connection(
    below: Recorded, transport: _CountedTransport
) -> None:
    transport.write(HEAD)
    below.closing = True
    await passed()
    assert below.done == []
