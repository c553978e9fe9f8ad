"""What is said in reply, and its bytes on the wire."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from http import HTTPStatus
from typing import Any

Headers = tuple[tuple[bytes, bytes], ...]
JSON = b"application/json; charset=utf-8"
#: Cloudflare is in front of the upstream.
EDGE: Headers = ((b"Server", b"cloudflare"), (b"CF-RAY", b"8f2d1c5e6a7b9c01-IAD"))


class Framing(Enum):
    """How a client learns where the body ends."""

    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`headers` are all but those that frame the body."""

    status: int
    body: bytes = b""
    headers: Headers = ()
    reason: bytes | None = None
    version: bytes = b"HTTP/1.1"
    framing: Framing = Framing.LENGTH

    @property
    def closes(self) -> bool:
        """The connection is of no more use once this was sent."""
        return self.framing is Framing.CLOSE or self.version == b"HTTP/1.0"

    def with_headers(self, *headers: tuple[bytes, bytes]) -> Answer:
        return replace(self, headers=self.headers + headers)

    def without_header(self, name: bytes) -> Answer:
        kept = tuple(each for each in self.headers if each[0].lower() != name.lower())
        return replace(self, headers=kept)

    def document(self) -> Any:
        return json.loads(self.body)


def json_answer(document: Any, status: int = 200) -> Answer:
    """In UTF-8, as JavaScript writes it; a text that has no UTF-8 is escaped."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    try:
        body = text.encode()
    except UnicodeEncodeError:
        body = json.dumps(document, separators=(",", ":")).encode()
    return Answer(status=status, body=body, headers=((b"Content-Type", JSON), *EDGE))


def html_answer(status: int, title: str) -> Answer:
    """A page of Cloudflare's."""
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{title}</body></html>"
    return Answer(
        status=status, body=page.encode(),
        headers=((b"Content-Type", b"text/html; charset=UTF-8"), *EDGE),
    )  # fmt: skip


def status_line(answer: Answer) -> bytes:
    return b"%s %d %s" % (answer.version, answer.status, reason(answer))


def reason(answer: Answer) -> bytes:
    if answer.reason is not None:
        return answer.reason
    try:
        return HTTPStatus(answer.status).phrase.encode()
    except ValueError:
        return b""


def head(answer: Answer, *framing: tuple[bytes, bytes]) -> bytes:
    """Status line and headers with the empty line behind them."""
    lines = [name + b": " + value for name, value in (*answer.headers, *framing)]
    return b"\r\n".join([status_line(answer), *lines, b"", b""])


def encode(answer: Answer) -> bytes:
    """All of it, as a correct server would send it."""
    if answer.framing is Framing.CHUNKED:
        return head(answer, (b"Transfer-Encoding", b"chunked")) + chunked(answer.body)
    if answer.framing is Framing.CLOSE:
        return head(answer, (b"Connection", b"close")) + answer.body
    length = (b"Content-Length", b"%d" % len(answer.body))
    return head(answer, length) + answer.body


def chunked(
    body: bytes,
    *,
    size: int = 64,
    head_of: Callable[[int], bytes] = b"%x".__mod__,
    trailers: bytes = b"",
) -> bytes:
    """`head_of` writes a chunk's first line from its length."""
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    written = [head_of(len(chunk)) + b"\r\n" + chunk + b"\r\n" for chunk in chunks]
    return b"".join([*written, b"0\r\n", trailers, b"\r\n"])
