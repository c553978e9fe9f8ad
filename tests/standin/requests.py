"""Reading one HTTP/1.1 request from a socket."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

MAX_HEAD_BYTES = 65_536
MAX_BODY_BYTES = 8 * 1024 * 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
#: How the failure of a request ends whose sender was killed between two writes.
BROKEN_OFF = "the body broke off"


class BadRequest(Exception):
    """What came is not an HTTP/1.1 request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`headers` are as they came, with names in lower case; `connection` counts from 1."""

    method: str
    target: str
    version: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    connection: int = 0

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def keeps_alive(self) -> bool:
        return self.version == "HTTP/1.1" and (self.header("connection") or "").lower() != "close"

    def header(self, name: str) -> str | None:
        """The first of this name."""
        return next((value for key, value in self.headers if key == name), None)

    def json(self) -> Any:
        """The body, or None where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def prompt(self) -> str | None:
        """What a create asks for."""
        document = self.json() if self.method == "POST" else None
        asked = document.get("promptObject") if isinstance(document, dict) else None
        prompt = asked.get("prompt") if isinstance(asked, dict) else None
        return prompt if isinstance(prompt, str) else None


async def read_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int
) -> Request | None:
    """The next request, or None where the client is gone. Raises `BadRequest`."""
    head = await _head(reader)
    if head is None:
        return None
    request_line, *lines = head.decode("latin-1").split("\r\n")
    try:
        method, target, version = request_line.split(" ")
        headers = tuple(_header(line) for line in lines)
    except ValueError:
        raise BadRequest(request_line) from None
    names = dict(headers)
    if names.get("expect", "").lower() == "100-continue":
        writer.write(_CONTINUE)
    if names.get("transfer-encoding", "").lower() == "chunked":
        body = await _chunks(reader)
    else:
        body = await _sized(reader, names.get("content-length", "0"))
    return Request(
        method=method, target=target, version=version, headers=headers, body=body,
        connection=connection,
    )  # fmt: skip


async def _head(reader: asyncio.StreamReader) -> bytes | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except asyncio.LimitOverrunError:
        raise BadRequest("head too long") from None
    return head[:-4]


def _header(line: str) -> tuple[str, str]:
    name, separator, value = line.partition(":")
    if not separator or name != name.strip():
        raise ValueError(line)
    return name.lower(), value.strip()


async def _sized(reader: asyncio.StreamReader, length: str) -> bytes:
    if not length.isdigit() or int(length) > MAX_BODY_BYTES:
        raise BadRequest(f"Content-Length {length!r}")
    return await _exactly(reader, int(length))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while True:
        size = int((await reader.readline()).split(b";")[0], 16)
        if len(body) + size > MAX_BODY_BYTES:
            raise BadRequest("body too long")
        body += await _exactly(reader, size)
        await reader.readline()
        if size == 0:
            return body


async def _exactly(reader: asyncio.StreamReader, size: int) -> bytes:
    try:
        return await reader.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError):
        raise BadRequest(BROKEN_OFF) from None
