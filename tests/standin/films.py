"""Films: small, whole, as asked for, and different for each prompt."""

from __future__ import annotations

import hashlib
import struct
import tempfile
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av

#: Enough to be a film of the right length; more would only cost time.
_FRAMES_PER_SECOND = 2
_LINES = {"720p": 720, "1080p": 1080}


def film_for(asked: dict[str, Any]) -> bytes:
    """The film of a `promptObject`. Its prompt is in it, hashed: no two prompts share a film."""
    width, height = size_of(asked.get("aspectRatio", "9:16"), asked.get("resolution", "720p"))
    seconds = int(str(asked["duration"]).removesuffix("s"))
    return marked(plain_film(width, height, seconds), str(asked["prompt"]))


def size_of(aspect_ratio: str, resolution: str) -> tuple[int, int]:
    """The shorter side has as many pixels as the resolution says."""
    across, down = (int(part) for part in aspect_ratio.split(":"))
    short = _LINES[resolution]
    if across >= down:
        return _even(short * across / down), short
    return short, _even(short * down / across)


def _even(length: float) -> int:
    return int(length) // 2 * 2


def marked(film: bytes, prompt: str) -> bytes:
    """With a box behind it that every player skips."""
    mark = hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest().encode()
    return film + struct.pack(">I4s", 8 + len(mark), b"free") + mark


@cache
def plain_film(width: int, height: int, seconds: int, codec: str = "libx264") -> bytes:
    """A grey MP4 with its index in front, as 1min.ai's begin with `ftypisom`."""
    pixels = "rgb24" if codec == "png" else "yuv420p"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        _write(path, width, height, pixels, seconds, codec)
        return path.read_bytes()


def _write(path: Path, width: int, height: int, pixels: str, seconds: int, codec: str) -> None:
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream(codec, rate=_FRAMES_PER_SECOND)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        for number in range(max(1, seconds * _FRAMES_PER_SECOND)):
            container.mux(stream.encode(_grey(width, height, pixels, number)))
        container.mux(stream.encode(None))


def _grey(width: int, height: int, pixels: str, number: int) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, pixels)
    for plane in frame.planes:
        plane.update(b"\x80" * plane.buffer_size)
    frame.pts, frame.time_base = number, Fraction(1, _FRAMES_PER_SECOND)
    return frame


def sha256(film: bytes) -> str:
    return hashlib.sha256(film).hexdigest()
