"""A file of the archive's folder, which the kernel sends: what a client gets, whatever it does."""

from __future__ import annotations

import asyncio
import os
import random
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from app.errors import RangeNotSatisfiable
from app.http import sendfile
from app.http.content import content_response
from app.http.protocol import BoundedProtocol
from app.videos.store import Archive, ArchiveUnavailable, Gone
from tests.http.holding import PATIENCE_SECONDS, Site, Streams, ask, gone
from tests.simulator.conftest import until

PATH = "6f/video.mp4"
SHA = "ab" * 32
#: More than the kernel takes for a client that reads nothing.
DATA = random.Random(3).randbytes(30_000_000)


@dataclass
class FilmSite(Site):
    """Serves the film at `/film`, and counts what becomes of it."""

    files: list[FileIO] = field(default_factory=list)
    blocks: int = 0
    failures: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.archive = Archive.open((self.folder / "archive").as_uri())
        self.film = self.folder / "archive" / PATH
        self.film.parent.mkdir()
        self.film.write_bytes(DATA)

    async def _open_file(self, end: int) -> FileIO | None:
        file = await self.archive.open_file(PATH, end)
        assert file is not None
        self.files.append(file)
        return file

    async def _open_range(self, start: int, end: int) -> AsyncGenerator[bytes, None]:
        async for block in self.archive.read(PATH, start, end):
            self.blocks += 1
            yield block

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/film":
            await super().__call__(scope, receive, send)
            return
        try:
            response = await content_response(
                Request(scope),
                open_range=self._open_range,
                open_file=self._open_file,
                length=len(DATA),
                etag_sha256=SHA,
                content_type="video/mp4",
                filename="v.mp4",
                last_modified=datetime(2026, 3, 1, tzinfo=UTC),
                cache_seconds=60,
            )
            await response(scope, receive, send)
        except BaseException as failure:
            self.failures.append(failure)
            raise

    async def all_closed(self) -> bool:
        return bool(self.files) and all(file.closed for file in self.files)


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"], scope="module")
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[FilmSite]:
    site = FilmSite(tmp_path)
    await site.start()
    yield site
    await site.stop()
    assert all(file.closed for file in site.files)


async def fetched(
    streams: Streams, headers: str = "", *, method: str = "GET"
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the film's next response on this connection."""
    streams[1].write(f"{method} /film HTTP/1.1\r\nHost: a\r\n{headers}\r\n".encode())
    async with asyncio.timeout(PATIENCE_SECONDS):
        head = (await streams[0].readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines)
        length = 0 if method == "HEAD" else int(fields.get("content-length", 0))
        return int(first.split()[1]), fields, await streams[0].readexactly(length)


async def begun(site: FilmSite, *, keep: str = "close") -> Streams:
    """A client that has read the first bytes and stops there."""
    streams = await site.connect(limit=1)
    streams[1].write(f"GET /film HTTP/1.1\r\nHost: a\r\nConnection: {keep}\r\n\r\n".encode())
    assert await streams[0].read(1)
    return streams


async def test_one_connection_gets_the_whole_film_and_parts_of_it(site: FilmSite) -> None:
    streams = await site.connect()
    assert await ask(streams)
    status, headers, body = await fetched(streams)
    assert (status, body) == (200, DATA)
    assert headers["etag"] == f'"{SHA}"'
    assert headers["cache-control"] == "private, max-age=60, immutable"
    assert headers["accept-ranges"] == "bytes"
    for range_, start, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=5-9999999", 5, 10_000_000),
        ("bytes=-7", len(DATA) - 7, len(DATA)),
        ("bytes=29999999-", 29_999_999, 30_000_000),
    ):
        status, headers, body = await fetched(streams, f"Range: {range_}\r\n")
        assert status == 206
        assert body == DATA[start:end]
        assert headers["content-range"] == f"bytes {start}-{end - 1}/{len(DATA)}"
    assert await ask(streams)
    assert (len(site.files), site.blocks) == (5, 0)
    assert await site.all_closed()


async def test_what_has_no_body_opens_no_file(site: FilmSite) -> None:
    streams = await site.connect()
    status, headers, _ = await fetched(streams, method="HEAD")
    assert (status, headers["content-length"]) == (200, str(len(DATA)))
    status, headers, _ = await fetched(streams, f'If-None-Match: "{SHA}"\r\n')
    assert (status, "content-length" in headers) == (304, False)
    assert await ask(streams)
    streams[1].write(b"GET /film HTTP/1.1\r\nHost: a\r\nRange: bytes=30000000-\r\n\r\n")
    assert (await streams[0].readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 500")
    assert [type(failure) for failure in site.failures] == [RangeNotSatisfiable]
    assert site.files == []


async def test_several_parts_are_read_as_before(site: FilmSite) -> None:
    streams = await site.connect()
    status, headers, body = await fetched(streams, "Range: bytes=0-1,100-101\r\n")
    assert (status, site.files) == (206, [])
    assert headers["content-type"].startswith("multipart/byteranges")
    assert DATA[100:102] in body
    assert site.blocks == 2


async def test_many_at_once_get_all_of_it(site: FilmSite) -> None:
    """More than there are threads."""
    everybody = [await site.connect() for _ in range(12)]
    bodies = await asyncio.gather(
        *(fetched(streams, f"Range: bytes={n}-9999999\r\n") for n, streams in enumerate(everybody))
    )
    assert all(body == DATA[n:10_000_000] for n, (_, _, body) in enumerate(bodies))
    assert await site.all_closed()


async def test_requests_that_are_sent_ahead_are_answered_in_their_order(site: FilmSite) -> None:
    streams = await site.connect()
    streams[1].write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    streams[1].write(b"GET /film HTTP/1.1\r\nHost: a\r\nRange: bytes=2-5\r\n\r\n" * 2)
    assert (await fetched(streams))[2] == b"ok"
    for _ in range(2):
        assert b" 206 " in await streams[0].readuntil(b"\r\n\r\n")
        assert await streams[0].readexactly(4) == DATA[2:6]
    assert b" 200 " in await streams[0].readuntil(b"\r\n\r\n")
    assert await streams[0].readexactly(len(DATA)) == DATA


async def test_nothing_is_kept_in_memory_for_a_client_that_reads_nothing(site: FilmSite) -> None:
    streams = await begun(site)
    (connection,) = site.server.server_state.connections
    assert isinstance(connection, BoundedProtocol)

    async def waits() -> bool:
        return connection._sending is not None and connection._sending._waiting is not None

    await until(waits)
    assert connection.transport.get_write_buffer_size() == 0
    streams[1].transport.abort()
    await until(site.all_closed)
    assert site.failures == []


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize("keep", ["close", "keep-alive"])
async def test_a_client_that_reads_nothing_is_given_up(site: FilmSite, keep: str) -> None:
    streams = await begun(site, keep=keep)
    await until(site.all_closed)
    assert not site.server.server_state.connections
    assert len(await gone(streams)) < len(DATA)


@pytest.mark.usefixtures("brief")
async def test_a_slow_client_gets_all_of_it(site: FilmSite) -> None:
    """It takes a part now and then, and longer for all than it may take for nothing."""
    streams, seen = await begun(site), 1
    async with asyncio.timeout(PATIENCE_SECONDS):
        while part := await streams[0].read(1_000_000):
            seen += len(part)
            await asyncio.sleep(0.02)
    assert seen > len(DATA)


async def test_a_stop_lets_it_finish(site: FilmSite) -> None:
    streams = await begun(site, keep="keep-alive")
    (connection,) = site.server.server_state.connections
    assert isinstance(connection, BoundedProtocol)
    connection.shutdown()
    rest = await gone(streams)
    assert rest.endswith(DATA[-1000:])


async def test_what_a_thread_has_just_sent_is_not_held_against_the_client(site: FilmSite) -> None:
    """The kernel says that the client has not taken it before the thread says that it was sent."""
    streams = await begun(site)
    (connection,) = site.server.server_state.connections
    assert isinstance(connection, BoundedProtocol)
    assert connection._takes_answers()
    connection._taken += 10_000_000
    assert connection._takes_answers()
    streams[1].transport.abort()


async def test_a_response_that_is_cut_off_closes_the_connection_and_the_file(
    site: FilmSite,
) -> None:
    """As when a key ends, or the drain time."""
    for end in ("abort", "cancel"):
        streams = await begun(site)
        if end == "abort":
            (connection,) = site.server.server_state.connections
            assert isinstance(connection, BoundedProtocol)
            connection.scope["reelgate.abort"]()  # type: ignore[typeddict-item]
        else:
            (task,) = site.server.server_state.tasks
            task.cancel()
        await until(site.all_closed)
        assert len(await gone(streams)) < len(DATA)


async def test_a_file_that_ends_too_early_breaks_the_connection_off(site: FilmSite) -> None:
    streams = await begun(site, keep="keep-alive")
    os.truncate(site.film, 25_000_000)
    rest = await gone(streams)
    assert len(rest) < len(DATA)
    await until(site.all_closed)
    assert [type(failure) for failure in site.failures] == [sendfile.Shortened]


async def test_a_file_that_is_short_or_gone_is_noticed_before_the_head(site: FilmSite) -> None:
    for length, failure in ((len(DATA) - 1, ArchiveUnavailable), (None, Gone)):
        if length is None:
            site.film.unlink()
        else:
            os.truncate(site.film, length)
        site.failures.clear()
        streams = await site.connect()
        streams[1].write(b"GET /film HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await gone(streams)).startswith(b"HTTP/1.1 500")
        assert [type(each) for each in site.failures] == [failure]
    assert site.files == []


async def test_descriptors_stay_open_until_their_thread_is_done_with_them(
    site: FilmSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise it could write into whatever got their numbers next."""
    entered, left = asyncio.Event(), asyncio.Event()
    loop, send = asyncio.get_running_loop(), os.sendfile
    go = threading.Event()

    def slow(connection: int, file: int, start: int, length: int) -> int:
        loop.call_soon_threadsafe(entered.set)
        assert go.wait(PATIENCE_SECONDS)
        assert os.fstat(connection)
        assert os.fstat(file)
        loop.call_soon_threadsafe(left.set)
        return send(connection, file, start, length)

    monkeypatch.setattr(os, "sendfile", slow)
    streams = await site.connect(limit=1)
    streams[1].write(b"GET /film HTTP/1.1\r\nHost: a\r\n\r\n")
    await entered.wait()
    (task,) = site.server.server_state.tasks
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    assert not await site.all_closed()
    go.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await left.wait()
    await until(site.all_closed)
