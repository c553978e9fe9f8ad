"""What a file that came as a video really is, and whether it is what was asked for.

Libav is loaded with the first file: a process that only serves callers never has one.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from app.domain.generation import FRAME_SIZES, AspectRatio, Resolution, Spec

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

#: The index of a ten-second video has a few kilobytes. The bounds keep a hostile file from
#: costing more than a moment.
MAX_INDEX_BYTES = 16 << 20
MAX_READ_BYTES = 64 << 20
MAX_BOXES = 10_000
#: Libav looks at the first frames to complete what the index leaves open; for MP4 that is little.
OPTIONS = {"probesize": str(2 << 20), "analyzeduration": "1000000", "fpsprobesize": "0"}

DURATION_TOLERANCE_SECONDS = 0.6
RATIO_TOLERANCE = 0.035
#: `720p` is counted in two ways: by the short side, rounded to what a codec likes, or by about as
#: many pixels as the 16:9 frame has, whatever the ratio.
SHORT_SIDE_TOLERANCE_PIXELS = 16
AREA_TOLERANCE = 0.15


class NotAVideo(Exception):
    """The file is no whole MP4 with a video in it. The message is a short reason, safe to show."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A video as its own index describes it. Width and height in pixels, as coded."""

    duration_seconds: float
    width: int
    height: int
    codec: str
    frame_rate: float | None
    has_audio: bool


def probe(path: Path) -> Probe:
    """Reads the index and the first packet of a file; blocks, so run it in a thread.

    Raises `NotAVideo`, and `OSError` where the file cannot be read at all.
    """
    import av

    with path.open("rb", buffering=0) as file:
        check_boxes(file)
        source = BoundedFile(file, MAX_READ_BYTES)
        try:
            # The format is named, so that no other of Libav's readers meets what came; a file
            # object, so that the file cannot make it open another file or an address.
            with av.open(source, "r", format="mp4", options=OPTIONS) as container:
                return _describe(container)
        except (av.FFmpegError, ValueError, OverflowError, MemoryError):
            raise NotAVideo("its index cannot be read") from None


def mismatch(spec: Spec, probe: Probe) -> str | None:
    """A sentence that says where the video is not what was asked for, or None. What the spec left
    to the upstream is not compared."""
    size = f"{probe.width}x{probe.height}"
    found = []
    if abs(probe.duration_seconds - spec.duration.seconds) > DURATION_TOLERANCE_SECONDS:
        found.append(f"{probe.duration_seconds:.1f} s instead of {spec.duration.seconds} s")
    if spec.aspect_ratio is not None and not _has_ratio(probe, spec.aspect_ratio):
        found.append(f"{size} instead of {spec.aspect_ratio.value}")
    if spec.resolution is not None and not _has_resolution(probe, spec.resolution):
        found.append(f"{size} instead of {spec.resolution.value}")
    return f"The video is {', '.join(found)}." if found else None


def _has_ratio(probe: Probe, ratio: AspectRatio) -> bool:
    wide, high = map(int, ratio.value.split(":"))
    return abs(probe.width / probe.height * high / wide - 1) <= RATIO_TOLERANCE


def _has_resolution(probe: Probe, resolution: Resolution) -> bool:
    width, height = FRAME_SIZES[AspectRatio.WIDE, resolution]
    if abs(min(probe.width, probe.height) - height) <= SHORT_SIDE_TOLERANCE_PIXELS:
        return True
    return abs(probe.width * probe.height / (width * height) - 1) <= AREA_TOLERANCE


def _describe(container: InputContainer) -> Probe:
    stream = video_of(container)
    codec = stream.codec_context
    if codec is None or codec.width <= 0 or codec.height <= 0:
        raise NotAVideo("its video is of an unknown kind")
    seconds = _seconds(container, stream)
    if not 0 < seconds < 24 * 3600:
        raise NotAVideo("its video has no sensible length")
    if not next((packet.size for packet in container.demux(stream)), 0):
        raise NotAVideo("its video has no frames")
    rate = stream.average_rate
    return Probe(
        duration_seconds=seconds,
        width=codec.width,
        height=codec.height,
        codec=codec.name,
        frame_rate=float(rate) if rate else None,
        has_audio=bool(container.streams.audio),
    )


def video_of(container: InputContainer) -> VideoStream:
    """The film itself. Raises `NotAVideo` where there is none."""
    import av

    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:  # a cover is no video
            return stream
    raise NotAVideo("it has no video stream")


def _seconds(container: InputContainer, stream: VideoStream) -> float:
    import av

    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / av.time_base


class BoundedFile:
    """A file for Libav that gives out at most `most` bytes in all. Raises `NotAVideo` beyond."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file = file
        self._left = most

    def read(self, size: int) -> bytes:
        block = self._file.read(size)
        self._left -= len(block)
        if self._left < 0:
            raise NotAVideo("too much of it would have to be read")
        return block

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def check_boxes(file: BinaryIO) -> None:
    """An MP4 is a row of boxes (ISO/IEC 14496-12, 4.2): `ftyp` first, then in any order `moov`,
    the index, and `mdat`, the frames. The box sizes tell a file that was cut off, which Libav
    opens without complaint when the index comes first. Raises `NotAVideo`."""
    end = file.seek(0, os.SEEK_END)
    seen: set[bytes] = set()
    for kind, size, reach in _boxes(file, end):
        if not seen and kind != b"ftyp":
            raise NotAVideo("it is no MP4 file")
        if kind in (b"moov", b"moof", b"mdat") and reach > end:
            raise NotAVideo("it is cut off")
        if kind == b"moov" and size > MAX_INDEX_BYTES:
            raise NotAVideo("its index is too large")
        seen.add(kind)
    file.seek(0)
    if b"ftyp" not in seen:
        raise NotAVideo("it is no MP4 file")
    if not {b"moov", b"mdat"} <= seen:
        raise NotAVideo("it is cut off")


def _boxes(file: BinaryIO, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, size, and where it ends, of each outermost box, up to the first thing that is none:
    players forgive what hangs on at the end."""
    at = 0
    for _ in range(MAX_BOXES):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return
        size, kind = struct.unpack_from(">I4s", head)
        least = 8
        if size == 1 and len(head) == 16:
            size, least = struct.unpack_from(">Q", head, 8)[0], 16
        elif size == 0:  # the last box may leave its size open
            size = end - at
        if size < least or not (kind.isascii() and kind.decode("ascii").isprintable()):
            return
        yield kind, size, at + size
        at += size
        if at >= end:
            return
