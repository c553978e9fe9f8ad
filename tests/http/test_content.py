"""A file through a real Starlette application, as clients see it."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.errors import PreconditionFailed, RangeNotSatisfiable
from app.http.content import content_response, relay_response
from app.http.ranges import MAX_RANGES

DATA = random.Random(1).randbytes(5_000)
SHA = "ab" * 32
MODIFIED = datetime(2026, 3, 1, 12, 0, 0, 999, tzinfo=UTC)
COMMON = {
    "etag": f'"{SHA}"',
    "last-modified": "Sun, 01 Mar 2026 12:00:00 GMT",
    "cache-control": "private, max-age=3600, immutable",
    "accept-ranges": "bytes",
}


class FileLost(Exception):
    pass


@dataclass
class Shelf:
    """A file in memory that counts what is open."""

    data: bytes = DATA
    block: int = 700
    lost: bool = False
    opened: list[tuple[int, int]] = field(default_factory=list)
    open_now: int = 0
    sent: int = 0

    async def open_range(self, start: int, end: int) -> AsyncIterator[bytes]:
        self.opened.append((start, end))
        self.open_now += 1
        try:
            if self.lost:
                raise FileLost
            for at in range(start, end, self.block):
                block = self.data[at : min(at + self.block, end)]
                self.sent += len(block)
                yield block
        finally:
            await asyncio.sleep(0)  # closing needs the loop, also under a cancellation
            self.open_now -= 1


def application(shelf: Shelf, **changes: Any) -> Starlette:
    async def content(request: Request) -> Response:
        options: dict[str, Any] = {
            "open_range": shelf.open_range,
            "length": len(shelf.data),
            "etag_sha256": SHA,
            "content_type": "video/mp4",
            "filename": "6f1c.mp4",
            "last_modified": MODIFIED,
            "cache_seconds": 3600,
        }
        return await content_response(request, **{**options, **changes})

    def refuse(_: Request, error: Exception) -> Response:
        return PlainTextResponse(
            type(error).__name__,
            status_code=getattr(error, "status", 410),
            headers=getattr(error, "headers", None),
        )

    return Starlette(
        routes=[Route("/v", content, methods=["GET", "HEAD"])],
        exception_handlers={
            PreconditionFailed: refuse,
            RangeNotSatisfiable: refuse,
            FileLost: refuse,
        },
    )


async def ask(
    shelf: Shelf, method: str = "GET", headers: Mapping[str, str] | None = None, **changes: Any
) -> httpx.Response:
    transport = httpx.ASGITransport(application(shelf, **changes))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return await client.request(method, "/v", headers=headers)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def parts_of(response: httpx.Response) -> list[tuple[str, bytes]]:
    """Content-Range and content of each part, read as a client would read them."""
    found = re.fullmatch(r"multipart/byteranges; boundary=(\w+)", response.headers["content-type"])
    assert found is not None
    body = response.content
    assert body.startswith(f"--{found[1]}\r\n".encode())
    first, *parts = (b"\r\n" + body).split(f"\r\n--{found[1]}".encode())
    assert (first, parts.pop()) == (b"", b"--\r\n")
    read = []
    for part in parts:
        head, _, content = part.partition(b"\r\n\r\n")
        fields = dict(line.split(": ") for line in head.decode().strip().split("\r\n"))
        assert fields["Content-Type"] == "video/mp4"
        read.append((fields["Content-Range"], content))
    return read


async def test_the_whole_file(shelf: Shelf) -> None:
    response = await ask(shelf)
    assert response.status_code == 200
    assert response.content == DATA
    assert dict(response.headers) == COMMON | {
        "content-type": "video/mp4",
        "content-length": "5000",
        "content-disposition": 'inline; filename="6f1c.mp4"',
        "x-content-type-options": "nosniff",
    }
    assert (shelf.opened, shelf.open_now) == ([(0, 5000)], 0)


async def test_head_has_the_headers_of_get_and_opens_nothing(shelf: Shelf) -> None:
    whole, head = await ask(shelf), await ask(Shelf(lost=True), "HEAD", {"Range": "bytes=0-9"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == whole.headers


@pytest.mark.parametrize(
    ("requested", "answered", "start", "end"),
    [
        ("bytes=0-99", "bytes 0-99/5000", 0, 100),
        ("bytes=4900-", "bytes 4900-4999/5000", 4900, 5000),
        ("bytes=-1", "bytes 4999-4999/5000", 4999, 5000),
        ("bytes=0-", "bytes 0-4999/5000", 0, 5000),
        ("bytes=10-19,20-29", "bytes 10-29/5000", 10, 30),
    ],
)
async def test_one_range(shelf: Shelf, requested: str, answered: str, start: int, end: int) -> None:
    response = await ask(shelf, headers={"Range": requested})
    assert response.status_code == 206
    assert response.content == DATA[start:end]
    assert response.headers["content-range"] == answered
    assert response.headers["content-length"] == str(end - start)
    assert response.headers["content-type"] == "video/mp4"
    assert COMMON.items() <= dict(response.headers).items()
    assert (shelf.opened, shelf.open_now) == ([(start, end)], 0)


async def test_several_ranges(shelf: Shelf) -> None:
    response = await ask(shelf, headers={"Range": "bytes=4000-4999,0-0,1000-1999"})
    assert response.status_code == 206
    assert "content-range" not in response.headers
    assert response.headers["content-length"] == str(len(response.content))
    assert parts_of(response) == [
        ("bytes 4000-4999/5000", DATA[4000:]),
        ("bytes 0-0/5000", DATA[:1]),
        ("bytes 1000-1999/5000", DATA[1000:2000]),
    ]
    assert shelf.open_now == 0


pairs = st.tuples(st.integers(0, 5_200), st.integers(0, 5_200)).map(sorted)


@settings(deadline=None)
@given(st.lists(pairs, min_size=1, max_size=MAX_RANGES))
def test_parts_are_slices_and_content_length_is_exact(requested: list[list[int]]) -> None:
    header = "bytes=" + ",".join(f"{first}-{last}" for first, last in requested)
    response = asyncio.run(ask(Shelf(), headers={"Range": header}))
    assert response.headers["content-length"] == str(len(response.content))
    match response.status_code:
        case 200:
            assert response.content == DATA
        case 416:
            assert all(first >= len(DATA) for first, _ in requested)
        case 206:
            told = response.headers.get("content-range")
            for place, content in [(told, response.content)] if told else parts_of(response):
                start, end, length = map(int, re.findall(r"\d+", place))
                assert content == DATA[start : end + 1]
                assert length == len(DATA)


async def test_a_range_past_the_end_is_416(shelf: Shelf) -> None:
    response = await ask(shelf, headers={"Range": "bytes=5000-"})
    assert response.status_code == 416
    assert response.headers["content-range"] == "bytes */5000"
    assert response.text == "RangeNotSatisfiable"
    assert shelf.opened == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_known_version_is_304(shelf: Shelf, method: str) -> None:
    known = {"If-None-Match": f'"{SHA}"', "Range": "bytes=0-1"}
    response = await ask(shelf, method, known)
    assert (response.status_code, response.content) == (304, b"")
    assert dict(response.headers) == COMMON
    assert shelf.opened == []


async def test_conditions_on_several_lines_count_together(shelf: Shelf) -> None:
    transport = httpx.ASGITransport(application(shelf))
    lines = [("If-None-Match", '"other"'), ("If-None-Match", f'"{SHA}"')]
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        assert (await client.get("/v", headers=lines)).status_code == 304


async def test_another_version_is_412(shelf: Shelf) -> None:
    response = await ask(shelf, headers={"If-Match": '"other"'})
    assert (response.status_code, response.text) == (412, "PreconditionFailed")
    assert shelf.opened == []


@pytest.mark.parametrize("ranges", ["bytes=0-", "bytes=0-9,1000-1009"])
async def test_a_missing_file_is_an_error_and_not_a_broken_answer(ranges: str) -> None:
    lost = Shelf(lost=True)
    response = await ask(lost, headers={"Range": ranges})
    assert (response.status_code, response.text) == (410, "FileLost")
    assert lost.open_now == 0


async def test_an_empty_file() -> None:
    response = await ask(Shelf(data=b""))
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == "0"


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("v.mp4", 'attachment; filename="v.mp4"'),
        ('a"\\\r\n.mp4', "attachment; filename=\"a____.mp4\"; filename*=UTF-8''a%22%5C%0D%0A.mp4"),
        ("Zoë.mp4", "attachment; filename=\"Zo_.mp4\"; filename*=UTF-8''Zo%C3%AB.mp4"),
    ],
)  # fmt: skip
async def test_the_filename(shelf: Shelf, filename: str, expected: str) -> None:
    response = await ask(shelf, filename=filename, disposition="attachment")
    assert response.headers["content-disposition"] == expected


Message = MutableMapping[str, Any]


async def hang_up(app: Starlette, spec_version: str, headers: list[tuple[bytes, bytes]]) -> bool:
    """Speaks ASGI as a server whose client goes away after the first bytes; says if any came."""
    gone, started = asyncio.Event(), False

    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal started
        if not message.get("body"):
            return
        started = True
        gone.set()
        if spec_version >= "2.4":
            raise OSError("client is gone")
        await asyncio.Event().wait()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": spec_version},
        "method": "GET",
        "path": "/v",
        "query_string": b"",
        "headers": headers,
    }
    with suppress(ClientDisconnect):
        await app(scope, receive, send)
    return started


@pytest.mark.parametrize("spec_version", ["2.3", "2.4"])
@pytest.mark.parametrize("ranges", [b"bytes=0-", b"bytes=0-999,2000-2999"])
async def test_a_client_that_goes_away_closes_the_file(
    shelf: Shelf, spec_version: str, ranges: bytes
) -> None:
    assert await hang_up(application(shelf), spec_version, [(b"range", ranges)])
    assert (len(shelf.opened), shelf.open_now) == (1, 0)
    assert shelf.sent <= 2 * shelf.block


@dataclass
class Upstream:
    """An answer another server has begun."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    closed: int = 0

    async def chunks(self) -> AsyncIterator[bytes]:
        yield DATA[:100]
        yield DATA[100:200]

    async def close(self) -> None:
        await asyncio.sleep(0)
        self.closed += 1

    def application(self) -> Starlette:
        async def content(request: Request) -> Response:
            return await relay_response(
                request,
                status=self.status,
                headers=self.headers,
                chunks=self.chunks(),
                close=self.close,
                content_type="video/mp4",
                filename="6f1c.mp4",
            )

        return Starlette(routes=[Route("/v", content, methods=["GET", "HEAD"])])


SECRETIVE = {
    "content-length": "200",
    "Content-Range": "bytes 0-199/5000",
    "accept-ranges": "bytes",
    "content-type": "binary/octet-stream",
    "etag": '"theirs"',
    "x-amz-request-id": "account",
    "set-cookie": "a=b",
    "cache-control": "public",
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_relay_passes_the_bytes_and_three_headers(method: str) -> None:
    upstream = Upstream(206, SECRETIVE)
    transport = httpx.ASGITransport(upstream.application())
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        response = await client.request(method, "/v")
    assert response.status_code == 206
    assert response.content == (DATA[:200] if method == "GET" else b"")
    assert dict(response.headers) == {
        "content-length": "200",
        "content-range": "bytes 0-199/5000",
        "accept-ranges": "bytes",
        "content-type": "video/mp4",
        "cache-control": "private, no-store",
        "content-disposition": 'inline; filename="6f1c.mp4"',
        "x-content-type-options": "nosniff",
    }
    assert upstream.closed == 1


async def test_relay_passes_no_words_in_the_three_headers() -> None:
    words = {"content-length": "200 of zoe@example.com", "content-range": "bytes 0-1/2; by=zoe",
             "accept-ranges": "bytes, zoe"}  # fmt: skip
    transport = httpx.ASGITransport(Upstream(206, words).application())
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        response = await client.get("/v")
    assert response.content == DATA[:200]
    assert "zoe" not in str(response.headers)


@pytest.mark.parametrize("spec_version", ["2.3", "2.4"])
async def test_relay_ends_the_upstream_answer_when_the_client_goes_away(spec_version: str) -> None:
    upstream = Upstream()
    assert await hang_up(upstream.application(), spec_version, [])
    assert upstream.closed == 1
