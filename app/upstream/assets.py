"""Uploads to the upstream's asset API: the request, and what an answer means. Pure, but for the
bytes of the file, which come from wherever the caller has them.

An upload costs nothing, so one that was lost is repeated. A file belongs to the account of the key
that uploaded it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from app.upstream.answers import KeyTrouble
from app.upstream.errors import envelope
from app.upstream.reply import Reply

#: What the upstream accepts in one file.
MAX_BYTES = 52_428_800
_FIELD = "asset"
#: A path as the upstream stores files: no link, no host, no query, and short.
_PATH = re.compile(r"(?:[A-Za-z0-9_-]{1,100}/){1,6}[A-Za-z0-9_.-]{1,200}")
#: The file itself is refused: another try, or another key, changes nothing.
_OF_THE_FILE = frozenset({400, 413, 415, 422})


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetFile:
    """A file to upload. `open` gives its bytes; `name` tells nothing of who made it."""

    name: str
    content_type: str
    size_bytes: int
    open: Callable[[], AsyncIterator[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """`path` is what a request names the file by, with the same key."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRefused:
    """The upstream does not take this file. `reason` is a short label."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadFailed:
    """It may work the next time. `reason` is a short label, as for `NotProcessed`."""

    reason: str
    retry_after_seconds: float | None = None
    key_trouble: KeyTrouble | None = None


UploadAnswer = Uploaded | UploadRefused | UploadFailed


class Form:
    """A form with one file."""

    def __init__(self, file: AssetFile) -> None:
        boundary = token_hex(16)
        self._head = (
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="{_FIELD}"; filename="{file.name}"\r\n'
            f"Content-Type: {file.content_type}\r\n\r\n"
        ).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._file = file
        self.headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(self._head) + file.size_bytes + len(self._tail)),
        }

    async def content(self) -> AsyncGenerator[bytes, None]:
        yield self._head
        async for block in self._file.open():
            yield block
        yield self._tail


def read_upload(status: int, headers: Mapping[str, str], body: bytes) -> UploadAnswer:
    """The meaning of an answer. Never raises."""
    reply = Reply.of(status, headers, body)
    if reply.good:
        path = _path(reply.document)
        return UploadFailed(reason="no_path") if path is None else Uploaded(path=path)
    reported = envelope(reply.document)
    if reply.challenged:
        return UploadFailed(reason="challenged", retry_after_seconds=reply.retry_after)
    if reply.rejects_key(reported):
        return UploadFailed(reason="key_rejected", key_trouble=KeyTrouble.REJECTED)
    if reported is not None and reported.out_of_credits:
        return UploadFailed(reason="out_of_credits", key_trouble=KeyTrouble.OUT_OF_CREDITS)
    if reply.limits_rate(reported):
        return UploadFailed(reason="rate_limited", retry_after_seconds=reply.retry_after)
    if reply.status in _OF_THE_FILE:
        return UploadRefused(reason=f"http_{reply.status}")
    return UploadFailed(reason=reply.doubt, retry_after_seconds=reply.retry_after)


def _path(document: Any) -> str | None:
    """`fileContent.path`, else `asset.key`: both are the same, and clients have met answers without
    one of them."""
    if not isinstance(document, dict):
        return None
    for part, name in (("fileContent", "path"), ("asset", "key")):
        found = document.get(part)
        path = found.get(name) if isinstance(found, dict) else None
        if isinstance(path, str) and _PATH.fullmatch(path) and ".." not in path:
            return path
    return None
