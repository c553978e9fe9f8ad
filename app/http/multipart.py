"""Reads `multipart/form-data`: bounded, and to disk only the one file that is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from app.domain.text import shown
from app.errors import InvalidRequest, PayloadTooLarge, RequestTimedOut
from app.http.bodies import refuse_encoded
from app.inputs.spool import Spool

#: More parts than any request of ours has. Each costs memory beside its bytes.
MAX_PARTS = 64
_UNREADABLE = "The request body is not a form that can be read"
#: Parsing a media type takes time quadratic in its length, and a header can be long.
_LONGEST_TYPE = 1_000


@dataclass(frozen=True, slots=True)
class Form:
    """The fields in order; a name may occur more than once. `file` is the name of the first field
    that holds a file that is not wanted. Neither its bytes nor anything after it has been read.
    `received` is the name of the field whose file is in the spool."""

    fields: tuple[tuple[str, str], ...]
    file: str | None
    received: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The one file that is read: the first in one of these fields. `open` gives the spool for it,
    once it has begun; then there are `seconds` for all of the request."""

    fields: Collection[str]
    open: Callable[[], Awaitable[Spool]]
    seconds: float


def is_form(request: Request) -> bool:
    """Raises `InvalidRequest` if the media type is longer than that of any form."""
    kind, _ = _type_of(request)
    return kind == b"multipart/form-data"


def _type_of(request: Request) -> tuple[bytes, dict[bytes, bytes]]:
    said = request.headers.get("content-type", "")
    if len(said) > _LONGEST_TYPE:
        raise InvalidRequest(f"The Content-Type must be at most {_LONGEST_TYPE} characters long.")
    return parse_options_header(said)


async def read_form(
    request: Request,
    *,
    limit: int,
    seconds: float,
    wanted: Wanted | None = None,
) -> Form:
    """Raises `InvalidRequest` if it is not a form, `PayloadTooLarge` if its fields are longer than
    `limit` bytes in total or the file is too long, `RequestTimedOut` if it takes longer than
    `seconds`, `UnsupportedEncoding`, and what opening a spool raises."""
    refuse_encoded(request)
    _, options = _type_of(request)
    parts, size = _Parts(wanted.fields if wanted is not None else ()), 0
    spool: Spool | None = None
    try:
        parser = MultipartParser(
            options.get(b"boundary", b""),
            {
                "on_header_field": parts.add_header_name,
                "on_header_value": parts.add_header_value,
                "on_header_end": parts.end_header,
                "on_headers_finished": parts.begin,
                "on_part_data": parts.add_data,
                "on_part_end": parts.end,
                "on_end": parts.finish,
            },
        )
        async with asyncio.timeout(seconds) as deadline:
            async for chunk in request.stream():
                parser.write(chunk)
                if parts.received is not None and spool is None and wanted is not None:
                    spool = await wanted.open()
                    spool.name = parts.file_name
                    deadline.reschedule(asyncio.get_running_loop().time() + wanted.seconds)
                if parts.file is not None:
                    break
                size += len(chunk)
                if spool is not None and (content := parts.take()):
                    # What is left are the fields, and the heads of all parts.
                    size -= len(content)
                    await spool.write(content)
                if size > limit:
                    raise PayloadTooLarge(f"The request body must be at most {limit} bytes long.")
                if parts.finished:
                    break
    except FormParserError:
        raise InvalidRequest(f"{_UNREADABLE}.") from None
    except ClientDisconnect:
        raise InvalidRequest("The request body ended early.") from None
    except TimeoutError:
        raise RequestTimedOut() from None
    if parts.file is None and not parts.finished:
        raise InvalidRequest(f"{_UNREADABLE}: it ends before its last boundary.")
    return Form(tuple(parts.fields), parts.file, parts.received)


class _Parts:
    """Assembles the parser's events into fields."""

    def __init__(self, wanted: Collection[str]) -> None:
        self.fields: list[tuple[str, str]] = []
        self.file: str | None = None
        self.received: str | None = None
        self.file_name: str | None = None
        self._wanted = wanted
        self._receiving = False
        #: Of the wanted file, not taken yet.
        self._content = bytearray()
        self.finished = False
        self._header, self._value = b"", b""
        self._disposition = b""
        self._name = ""
        self._data = bytearray()

    def add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header, self._value = b"", b""

    def begin(self) -> None:
        _, options = parse_options_header(self._disposition.decode("latin-1"))
        self._disposition = b""
        if b"name" not in options:
            raise InvalidRequest(f"{_UNREADABLE}: a part of it has no name.")
        if len(self.fields) >= MAX_PARTS:
            raise InvalidRequest(f"The form must have at most {MAX_PARTS} parts.")
        self._name = options[b"name"].decode("utf-8", "replace")
        if b"filename" not in options or self.file is not None:
            return
        if self._name in self._wanted and self.received is None:
            self.received, self._receiving = self._name, True
            self.file_name = options[b"filename"].decode("utf-8", "replace")
        else:
            self.file = self._name

    def take(self) -> bytes:
        """What has come of the wanted file since the last time."""
        content = bytes(self._content)
        self._content.clear()
        return content

    def add_data(self, data: bytes, start: int, end: int) -> None:
        if self._receiving:
            self._content += data[start:end]
        elif self.file is None:
            self._data += data[start:end]

    def end(self) -> None:
        if self._receiving or self.file is not None:
            self._receiving = False
            return
        try:
            self.fields.append((self._name, self._data.decode("utf-8")))
        except UnicodeDecodeError:
            raise InvalidRequest(f"The form's field {shown(self._name)} is not UTF-8.") from None
        self._data.clear()

    def finish(self) -> None:
        self.finished = True
