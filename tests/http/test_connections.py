"""A client that holds on to connections loses them in time."""

from __future__ import annotations

import asyncio

import pytest

from app.http import protocol
from app.http.protocol import MAX_HEAD_BYTES, MAX_HEADERS, MAX_PIPELINED, BoundedProtocol
from tests.harness.gateway import Gateway
from tests.harness.sockets import listening
from tests.http.holding import KEYLESS, PATIENCE_SECONDS, REQUEST, Site, ask, gone
from tests.simulator.conftest import until

CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"], scope="module")
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


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


async def test_a_process_that_stood_still_holds_that_against_nobody(site: Site) -> None:
    streams = await site.connect(limit=1)
    streams[1].write(b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n")
    assert await streams[0].read(1)
    (connection,) = site.server.server_state.connections
    assert isinstance(connection, BoundedProtocol)

    async def no_more_is_taken() -> bool:
        before = connection._taken
        return connection._takes_answers() and connection._taken == before > 0

    await until(no_more_is_taken)
    connection._looked_at -= 2 * protocol.STALL_SECONDS
    assert connection._takes_answers()


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


@pytest.mark.parametrize(("headers", "answered"), [(MAX_HEADERS - 1, 1), (MAX_HEADERS, 0)])
async def test_a_head_has_so_many_lines_at_most(site: Site, headers: int, answered: int) -> None:
    streams = await site.connect()
    lines = b"".join(b"X-%d: a\r\n" % number for number in range(headers - 1))
    streams[1].write(REQUEST[:-2] + b"Connection: close\r\n" + lines + b"\r\n")
    await gone(streams)
    assert site.answered == answered


@pytest.mark.parametrize("trailer", [b"X: " + b"a" * 10_000_000, b"X: a\r\n" * 1_000_000])
@pytest.mark.parametrize("path", [b"/", b"/held"])
async def test_what_comes_behind_a_body_has_an_end(
    site: Site, monkeypatch: pytest.MonkeyPatch, trailer: bytes, path: bytes
) -> None:
    monkeypatch.setattr(protocol, "REST_SECONDS", 2 * PATIENCE_SECONDS)
    streams = await site.connect()
    streams[1].write(CHUNKED.replace(b"/", path, 1) + b"1\r\nx\r\n0\r\n" + trailer)
    await gone(streams)
    site.release.set()


async def test_a_trailer_is_passed_over(site: Site) -> None:
    streams = await site.connect()
    assert await ask(streams, CHUNKED)
    assert await ask(streams, b"1\r\nx\r\n0\r\nX: a\r\nHost: b\r\n\r\n" + REQUEST)


async def test_a_body_in_many_chunks_has_no_end_but_its_own(
    site: Site,
) -> None:
    streams = await site.connect()
    assert await ask(streams, CHUNKED)
    assert await ask(streams, b"1;why=not\r\nx\r\n" * 20_000 + b"0\r\n\r\n" + REQUEST)


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
