"""The bytes of a video as an HTTP response: streamed, resumable, cacheable, never whole in
memory."""

from __future__ import annotations

import io
import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Literal
from urllib.parse import quote

from anyio import CancelScope
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from app.errors import PreconditionFailed, RangeNotSatisfiable
from app.http import ranges
from app.http.ranges import Plan, Span
from app.http.sendfile import SEND_FILE

Disposition = Literal["inline", "attachment"]
#: Opens the bytes `start` to `end` (exclusive) of the file. Closed when no more are wanted.
OpenRange = Callable[[int, int], AsyncIterator[bytes]]
#: Opens the file itself, if it is one of this machine and has at least as many bytes.
OpenFile = Callable[[int], Awaitable[io.FileIO | None]]


async def content_response(
    request: Request,
    *,
    open_range: OpenRange,
    length: int,
    etag_sha256: str,
    content_type: str,
    filename: str,
    last_modified: datetime,
    cache_seconds: int | None,
    disposition: Disposition = "inline",
    open_file: OpenFile | None = None,
) -> Response:
    """Answers GET or HEAD with the file, the requested ranges, or 304.

    With `cache_seconds` of None, a browser that has the file asks before it shows it again.
    Raises `PreconditionFailed`, `RangeNotSatisfiable`, and what `open_file` raises, or `open_range`
    before its first bytes: they are fetched here, while the response can still become an error.
    """
    etag = f'"{etag_sha256}"'
    plan = ranges.decide(
        request.method,
        {name: ", ".join(request.headers.getlist(name)) for name in request.headers},
        etag=etag,
        length=length,
        last_modified=last_modified,
    )
    headers = {
        "ETag": etag,
        "Last-Modified": format_datetime(last_modified.astimezone(UTC), usegmt=True),
        "Cache-Control": "private, no-cache"
        if cache_seconds is None
        else f"private, max-age={cache_seconds}, immutable",
        "Accept-Ranges": "bytes",
    }
    match plan.status:
        case 412:
            raise PreconditionFailed
        case 304:
            return Response(status_code=304, headers=headers)
        case 416:
            raise not_satisfiable(length)
    body = _Body(plan, open_range, length, content_type)
    headers |= _describing(filename, disposition) | body.headers
    if request.method == "HEAD":
        return Response(status_code=plan.status, headers=headers)
    if open_file is not None and SEND_FILE in request.scope and len(plan.spans) == 1:
        [span] = plan.spans
        file = await open_file(span.end)
        if file is not None:
            return _SentFile(file, span, status_code=plan.status, headers=headers)
    blocks = await _Primed.start(body.blocks())
    return _Streamed(blocks, status_code=plan.status, headers=headers, close=blocks.aclose)


#: Headers of another server that describe its bytes, passed on if they have the form of RFC 9110.
_RELAYED = {
    "Content-Length": r"\d+",
    "Content-Range": r"bytes \d+-\d+/(\d+|\*)",
    "Accept-Ranges": r"bytes|none",
}


async def relay_response(
    request: Request,
    *,
    status: int,
    headers: Mapping[str, str],
    chunks: AsyncIterator[bytes],
    close: Callable[[], Awaitable[None]],
    content_type: str,
    filename: str,
    disposition: Disposition = "inline",
) -> Response:
    """Passes on a video that another server is already sending with 200 or 206.

    `headers` and `chunks` are that server's, the bytes undecoded. `close` ends its response, and is
    awaited however this one ends. Only three of its headers are passed on: those that describe the
    bytes. `ranges.forwardable` gives the range to send to that server.
    """
    named = {name.lower(): value for name, value in headers.items()}
    kept = {
        name: value
        for name, form in _RELAYED.items()
        if re.fullmatch(form, value := named.get(name.lower(), ""), re.ASCII)
    }
    kept |= _describing(filename, disposition)
    kept |= {"Content-Type": content_type, "Cache-Control": "private, no-store"}

    async def end() -> None:
        await _close(chunks)
        await close()

    if request.method == "HEAD":
        await end()
        return Response(status_code=status, headers=kept)
    return _Streamed(chunks, status_code=status, headers=kept, close=end)


class _Body:
    """The headers and bytes of a 200 or 206."""

    def __init__(self, plan: Plan, open_range: OpenRange, length: int, content_type: str) -> None:
        self._open_range = open_range
        self._spans = plan.spans
        self._heads: list[bytes] = [b""]
        self._tail = b""
        self.headers = {"Content-Type": content_type}
        if plan.multipart:
            boundary = secrets.token_hex(16)
            self._heads, self._tail = ranges.part_heads(
                plan.spans, length=length, content_type=content_type, boundary=boundary
            )
            self.headers["Content-Type"] = f"multipart/byteranges; boundary={boundary}"
        elif plan.status == 206:
            self.headers["Content-Range"] = plan.spans[0].content_range(length)
        size = sum(span.length for span in plan.spans) + sum(map(len, self._heads))
        self.headers["Content-Length"] = str(size + len(self._tail))

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        for head, span in zip(self._heads, self._spans, strict=True):
            # Send the part's head only once its first bytes are here, so that a missing file is
            # noticed before.
            async with aclosing(self._part(span)) as part:
                async for block in part:
                    if head:
                        yield head
                        head = b""
                    yield block
        if self._tail:
            yield self._tail

    async def _part(self, span: Span) -> AsyncGenerator[bytes, None]:
        blocks = self._open_range(span.start, span.end)
        try:
            async for block in blocks:
                yield block
        finally:
            await _close(blocks)


class _Primed:
    """An iterator whose first item has been fetched."""

    def __init__(self, first: bytes | None, rest: AsyncGenerator[bytes, None]) -> None:
        self._first = first
        self._rest = rest
        self.aclose = rest.aclose

    @classmethod
    async def start(cls, blocks: AsyncGenerator[bytes, None]) -> _Primed:
        return cls(await anext(blocks, None), blocks)

    def __aiter__(self) -> _Primed:
        return self

    async def __anext__(self) -> bytes:
        if self._first is None:
            return await anext(self._rest)
        first, self._first = self._first, None
        return first


class _Streamed(StreamingResponse):
    """Closes its source however the response ends. Starlette leaves that to the garbage
    collector."""

    def __init__(
        self,
        blocks: AsyncIterator[bytes],
        *,
        status_code: int,
        headers: Mapping[str, str],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(blocks, status_code=status_code, headers=headers)
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            # If the client disconnects, this task is canceled; that must not interrupt the closing.
            with CancelScope(shield=True):
                await self._close()


class _SentFile(Response):
    """Part of a file of this machine, which the server sends itself."""

    def __init__(
        self, file: io.FileIO, span: Span, *, status_code: int, headers: Mapping[str, str]
    ) -> None:
        super().__init__(status_code=status_code, headers=headers)
        self._file, self._span = file, span

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        with self._file:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            await scope[SEND_FILE](self._file.fileno(), self._span.start, self._span.end)
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _close(blocks: AsyncIterator[bytes]) -> None:
    if isinstance(blocks, AsyncGenerator):
        await blocks.aclose()


def _describing(filename: str, disposition: Disposition) -> dict[str, str]:
    """RFC 6266: an ASCII name for every client, and the exact name if it differs."""
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", filename)
    value = f'{disposition}; filename="{plain}"'
    if plain != filename:
        value += f"; filename*=UTF-8''{quote(filename, safe='')}"
    return {"Content-Disposition": value, "X-Content-Type-Options": "nosniff"}


def not_satisfiable(length: int) -> RangeNotSatisfiable:
    """The error for a file of `length` bytes."""
    return RangeNotSatisfiable(
        f"The file has {length} bytes; none of the requested ranges lies within it.",
        headers={
            "Content-Range": f"bytes */{length}",
            "Accept-Ranges": "bytes",
            "Cache-Control": "no-store",
        },
    )
