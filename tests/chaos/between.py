"""A raw relay between the workers and the simulator, which alters what passes while it is told to.

It passes bytes on as they come, delays, resets and all. Only in a mood does it read an answer whole
and send another one: what no HTTP framework would send, the simulator cannot.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from tests.harness.listening import stop_listening
from tests.standin.answers import Answer, Framing, encode
from tests.standin.oddities.downloads import DAMAGED_FILMS
from tests.standin.oddities.packing import bomb_twice
from tests.standin.requests import MAX_HEAD_BYTES, BadRequest, Request, read_request
from tests.standin.wire import Wire

_BLOCK_BYTES = 65_536
_COOKIES = ((b"Set-Cookie", b"sid=canary-cookie; Path=/"), (b"Set-Cookie", b"a=\xe9"))
#: So many, one a second, and then the connection is reset.
_SLOW_BYTES = 8
_FEATURES, _RESULTS = "/api/features", "/api/results/"


class Between:
    """`port` is its own, `behind` the address of the simulator."""

    def __init__(self, port: int, behind: str) -> None:
        self.address = f"http://127.0.0.1:{port}"
        #: What it is to do, and to how many more answers.
        self.moods: dict[str, int] = {}
        self.done: Counter[str] = Counter()
        #: Cookie headers of calls: there may be none.
        self.cookies: Counter[str] = Counter()
        self._port, self._behind = port, urlsplit(behind).port
        self._server: asyncio.Server | None = None
        self._absence = asyncio.Lock()
        self._used_up: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._connections: set[asyncio.Task[None]] = set()
        #: The prompt object of the last create that passed.
        self._last: dict[str, Any] | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(
            self._connected, "127.0.0.1", self._port, limit=MAX_HEAD_BYTES, reuse_address=True
        )

    async def close(self) -> None:
        """Refuses connections, and resets those there are."""
        if self._server is None:
            return
        await stop_listening(self._server)
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """While the simulator is: who connects is refused, and knows that nothing was sent."""
        async with self._absence:
            await self.close()
            try:
                yield
            finally:
                await self.open()

    async def alter(self, mood: str, answers: int, *, seconds: float) -> None:
        """The next so many that this mood meets, or as many as come in this time."""
        self.moods[mood] = answers
        used_up = self._used_up[mood] = asyncio.Event()
        try:
            async with asyncio.timeout(seconds):
                await used_up.wait()
        except TimeoutError:
            self.moods[mood] = 0

    # Connections

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        wire = Wire(writer)
        try:
            request = await read_request(reader, writer, 0)
            if request is not None:
                await self._pass_on(request, wire)
        except (BadRequest, OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            wire.reset()
        finally:
            self._connections.discard(task)
            writer.close()

    async def _pass_on(self, request: Request, wire: Wire) -> None:
        """One request a connection."""
        for name, value in request.headers:
            if name == "cookie":
                self.cookies[value] += 1
        mood = self._met(request)
        behind, sending = await asyncio.open_connection("127.0.0.1", self._behind)
        try:
            sending.write(_encoded(request))
            if mood is None:
                await _relay(behind, wire)
            else:
                self.done[mood] += 1
                await self._alter(mood, request, await _answer(behind), wire)
            self._note(request)
        finally:
            sending.close()

    def _met(self, request: Request) -> str | None:
        """The mood that this call meets. What fails now is to succeed some time, so it counts."""
        for mood, left in self.moods.items():
            if left and _meets(mood, request.path):
                self.moods[mood] -= 1
                if not self.moods[mood]:
                    self._used_up[mood].set()
                return mood
        return None

    def _note(self, request: Request) -> None:
        document = request.json() if request.path == _FEATURES else None
        if isinstance(document, dict) and isinstance(document.get("promptObject"), dict):
            self._last = document["promptObject"]

    async def _alter(self, mood: str, request: Request, answer: Answer, wire: Wire) -> None:
        match mood:
            case "cookies":
                await wire.send(encode(answer.with_headers(*_COOKIES)))
            case "redirects":
                odd = replace(answer, status=307, reason=None)
                await wire.send(encode(odd.with_headers((b"Location", b"javascript:alert(1)"))))
            case "packed":
                await wire.send(encode(_packed(request, answer)))
            case "foreign":
                await wire.send(encode(self._foreign(answer)))
            case "poison":
                film = DAMAGED_FILMS[self.done["poison"] % len(DAMAGED_FILMS)]
                await wire.send(encode(replace(answer, body=film)))
            case _:
                data = encode(answer)
                end = data.find(b"\r\n\r\n") + 4
                await wire.send(data[:end])
                await wire.drip(data[end : end + _SLOW_BYTES], every=1.0)
                wire.reset()

    def _foreign(self, answer: Answer) -> Answer:
        """A record that shows the prompt of another generation."""
        with contextlib.suppress(ValueError, KeyError, TypeError):
            document = answer.document()
            prompt_object = document["aiRecord"]["aiRecordDetail"]["promptObject"]
            if self._last is not None and prompt_object["prompt"] != self._last["prompt"]:
                prompt_object["prompt"] = self._last["prompt"]
                return replace(answer, body=json.dumps(document).encode())
        return answer


def _meets(mood: str, path: str) -> bool:
    if mood in ("slow", "poison"):
        return not path.startswith("/api/")
    return path.startswith(_RESULTS) or (mood != "foreign" and path == _FEATURES)


def _packed(request: Request, answer: Answer) -> Answer:
    """A create's record in gzip; a look's answer is 2 kB that unpack to 1.5 GB."""
    if request.path == _FEATURES:
        odd = replace(answer, body=gzip.compress(answer.body))
        return odd.with_headers((b"Content-Encoding", b"gzip"))
    odd = replace(answer, body=bomb_twice())
    return odd.with_headers((b"Content-Encoding", b"gzip, gzip"))


def _encoded(request: Request) -> bytes:
    """As it came, on a connection that ends with the answer."""
    kept = [each for each in request.headers if each[0] not in ("connection", "content-length")]
    framing = [("content-length", str(len(request.body))), ("connection", "close")]
    lines = [f"{request.method} {request.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in (*kept, *framing)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body


async def _relay(behind: asyncio.StreamReader, wire: Wire) -> None:
    while block := await behind.read(_BLOCK_BYTES):
        await wire.send(block)
    wire.finish()


async def _answer(behind: asyncio.StreamReader) -> Answer:
    """All of it, with a body that is framed by its length again."""
    head, _, body = (await behind.read(-1)).partition(b"\r\n\r\n")
    status_line, *lines = head.split(b"\r\n")
    found = re.match(rb"HTTP/1\.[01] (\d{3})", status_line)
    if found is None:
        raise ConnectionResetError
    headers = [tuple(part.strip() for part in line.split(b":", 1)) for line in lines]
    names = {name.lower(): value for name, value in headers}
    if names.get(b"transfer-encoding") == b"chunked":
        body = _joined(body)
    framing = (b"content-length", b"transfer-encoding", b"connection")
    kept = tuple((name, value) for name, value in headers if name.lower() not in framing)
    return Answer(status=int(found[1]), headers=kept, body=body, framing=Framing.LENGTH)


def _joined(chunks: bytes) -> bytes:
    body = b""
    while chunks:
        size, _, chunks = chunks.partition(b"\r\n")
        length = int(size or b"0", 16)
        body, chunks = body + chunks[:length], chunks[length + 2 :]
    return body
