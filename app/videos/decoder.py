"""Reads files from outside in processes of their own, which a file may end.

    DecoderError
    ├── DecoderEnded          the file ended the process that read it, or used up its time
    └── DecoderUnavailable    no process could be had; says nothing about the file

`app.videos.sandbox` says what runs there and what it may do. A file may have taken over the process
that answers, so its answer is checked like any other input.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import math
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from app.domain.assets import Probe
from app.domain.inputs import EXTENSIONS, MAX_SIDE, Image
from app.inputs.images import NotAnImage
from app.videos.mp4 import NotAVideo
from app.videos.probe import CODECS

#: How many files are read at a time.
AT_ONCE = 2
#: Longer than the limit that a fork sets itself: only a fork that a file has taken over exceeds it.
ANSWER_SECONDS = 200.0
#: An upright image of 24 megapixels has half of it.
MAX_ANSWER_BYTES = 24 << 20
#: The first bytes of a file of each type.
_BEGINNINGS = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF"}
#: How long to wait after asking it to end.
_CLOSE_SECONDS = 5.0
_MAX_REASON = 80
#: The longest side of a frame as shown, in pixels.
_MAX_SIDE = 1 << 20
_PACKAGES = Path(__file__).parents[2]


class Picture(Enum):
    """A kind of picture: its name in the sandbox, and the first bytes of its files."""

    THUMBNAIL = (b"t", b"RIFF")
    SPRITESHEET = (b"s", b"\xff\xd8\xff")


class DecoderError(Exception):
    """The root: the file could not be judged."""


class DecoderEnded(DecoderError):
    pass


class DecoderUnavailable(DecoderError):
    pass


class Decoder:
    """Reads files, a few at a time. Its process starts with the first file, and again whenever it
    has ended."""

    def __init__(self, *, program: str = "app.videos.sandbox") -> None:
        """`program` is the module to run in the process."""
        self._program = program
        self._places = asyncio.Semaphore(AT_ONCE)
        self._starting = asyncio.Lock()
        self._server: _Server | None = None

    async def probe(self, path: Path) -> Probe:
        """What the file is. Raises `NotAVideo`, `DecoderError`, and `OSError` if the file cannot be
        read."""
        return _probe(await self._ask(b"p", path))

    async def picture(self, path: Path, kind: Picture) -> bytes:
        """A picture of the video in the file. Raises what `probe` raises."""
        action, beginning = kind.value
        return _picture(await self._ask(action, path), beginning)

    async def image(self, path: Path) -> Image:
        """What an uploaded image is. Raises `NotAnImage`, `DecoderError`, and `OSError` if the file
        cannot be read."""
        with _of_images():
            return _image(await self._ask(b"i", path))

    async def upright(self, path: Path, content_type: str) -> bytes:
        """An image of this type as it is shown, without metadata. Raises what `image` raises."""
        with _of_images():
            return _picture(await self._ask(b"u", path), _BEGINNINGS[content_type])

    async def close(self) -> None:
        if self._server is not None:
            await self._server.close()

    async def _ask(self, action: bytes, path: Path) -> Mapping[str, Any]:
        async with self._places:
            video = await asyncio.to_thread(os.open, path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                reading = await self._send(action, video)
            finally:
                os.close(video)
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    content = await _read(reading)
            except TimeoutError:
                await self._stop()
                raise DecoderEnded("it did not end in its time") from None
        return _checked(content)

    async def _send(self, action: bytes, video: int) -> int:
        """Passes the file to the process; returns the descriptor to read its answer from. Raises
        `DecoderUnavailable`."""
        reading, writing = os.pipe()
        try:
            try:
                (await self._running()).hand_over(action, video, writing)
            except OSError:
                # It ended between two files.
                await self._stop()
                (await self._running()).hand_over(action, video, writing)
        except BaseException as error:
            os.close(reading)
            if isinstance(error, OSError):
                raise DecoderUnavailable("its process cannot be started") from error
            raise
        finally:
            os.close(writing)
        return reading

    async def _running(self) -> _Server:
        async with self._starting:
            if self._server is not None and self._server.ended:
                await self._stop()
            if self._server is None:
                self._server = await _Server.start(self._program)
            return self._server

    async def _stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            await server.kill()


class _Server:
    """The process that forks for each file, and our end of its socket."""

    def __init__(self, process: Process, requests: socket.socket) -> None:
        self._process = process
        self._requests = requests

    @classmethod
    async def start(cls, program: str) -> _Server:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-P", "-m", program,
                    stdin=theirs.fileno(), stdout=DEVNULL, cwd="/", start_new_session=True,
                    # Nothing of our own environment, which holds the upstream key.
                    env={"PYTHONPATH": str(_PACKAGES), "LC_ALL": "C.UTF-8"},
                )  # fmt: skip
            except BaseException:
                ours.close()
                raise
        ours.setblocking(False)
        return cls(process, ours)

    @property
    def ended(self) -> bool:
        return self._process.returncode is not None

    def hand_over(self, action: bytes, video: int, reply: int) -> None:
        socket.send_fds(self._requests, [action], [video, reply])

    async def kill(self) -> None:
        """Ends it and all its forks."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._requests.close()
        await self._process.wait()

    async def close(self) -> None:
        """Closing the socket ends it and all its forks."""
        self._requests.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._process.wait()
                return
        await self.kill()


async def _read(descriptor: int) -> bytes:
    """Everything until the other end is closed. Closes the descriptor.

    Not through a transport: uvloop closes the descriptor of a pipe twice, and by the second time it
    may be that of a file which a thread has just opened."""
    content = bytearray()
    try:
        os.set_blocking(descriptor, False)
        while len(content) <= MAX_ANSWER_BYTES:
            await _readable(descriptor)
            with contextlib.suppress(BlockingIOError):
                block = os.read(descriptor, 1 << 16)
                if not block:
                    break
                content += block
        return bytes(content)
    finally:
        os.close(descriptor)


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    there = asyncio.Event()
    loop.add_reader(descriptor, there.set)
    try:
        await there.wait()
    finally:
        loop.remove_reader(descriptor)


def _checked(content: bytes) -> Mapping[str, Any]:
    """The answer. Raises `NotAVideo`, `OSError`, `DecoderEnded`."""
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        answer = None
    match answer:
        case {"refused": str(reason)}:
            raise NotAVideo(_plain(reason))
        case {"unreadable": int(code)}:
            raise OSError(code, "the file cannot be read")
        case {"failed": str(name)}:
            raise DecoderEnded(f"the process that read it failed: {_plain(name)}")
        case dict():
            return answer
    raise DecoderEnded("the file ended the process that read it")


def _plain(reason: str) -> str:
    """Accepts only our own reasons, which are plain letters: they go to logs and to operators."""
    ours = reason.isascii() and reason.isprintable() and len(reason) <= _MAX_REASON
    return reason if ours else "it cannot be read"


def _probe(answer: Mapping[str, Any]) -> Probe:
    match answer.get("probe"):
        case {
            "duration_seconds": float(seconds), "width": int(width), "height": int(height),
            "codec": str(codec), "frame_rate": float() | None as rate, "has_audio": bool(sound),
        }:  # fmt: skip
            sized = 0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE
            timed = 0 < seconds < 24 * 3600 and (rate is None or math.isfinite(rate))
            if sized and timed and codec in CODECS:
                return Probe(seconds, width, height, codec, rate, sound)
    raise DecoderEnded("the result describes no video")


@contextlib.contextmanager
def _of_images() -> Iterator[None]:
    try:
        yield
    except NotAVideo as refusal:
        raise NotAnImage(str(refusal)) from None


def _image(answer: Mapping[str, Any]) -> Image:
    match answer.get("image"):
        case {
            "content_type": str(kind), "width": int(width), "height": int(height),
            "turned": bool(turned),
        }:  # fmt: skip
            if kind in EXTENSIONS and 0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE:
                return Image(content_type=kind, width=width, height=height, turned=turned)
    raise DecoderEnded("the result describes no image")


def _picture(answer: Mapping[str, Any], beginning: bytes) -> bytes:
    match answer.get("picture"):
        case str(encoded):
            with contextlib.suppress(ValueError):
                content = base64.b64decode(encoded, validate=True)
                if content.startswith(beginning):
                    return content
    raise DecoderEnded("the result is not a picture")
