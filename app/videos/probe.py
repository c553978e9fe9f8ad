"""What a downloaded file really is, and whether it matches the request.

A downloaded file is read in a process of its own: `probe` and everything it calls runs there,
behind `app.videos.decoder`. Libav is loaded there and nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO

from app.domain.assets import Probe
from app.domain.catalog.spec import Spec, frame_size
from app.videos.mp4 import NotAVideo, Track, read_tracks

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

#: The codecs that are decoded, by their stream names. Browsers play each of them, or did.
CODECS = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4"})
#: The decoders of these codecs. Sound is not decoded.
_DECODERS = "h264,hevc,libdav1d,vp9,mpeg4"
#: A frame of 4096 x 4096.
MAX_FRAME_PIXELS = 1 << 24
MAX_READ_BYTES = 64 << 20
#: Libav reads the first frames to find what the index does not say; for MP4 that is little.
_OPTIONS = {
    "probesize": str(2 << 20), "analyzeduration": "1000000", "fpsprobesize": "0",
    "codec_whitelist": _DECODERS, "max_pixels": str(MAX_FRAME_PIXELS), "threads": "1",
}  # fmt: skip

DURATION_TOLERANCE_SECONDS = 0.6
RATIO_TOLERANCE = 0.035
#: `720p` has two meanings: the short side, rounded to what a codec prefers; or about as many pixels
#: as the 16:9 frame has, whatever the ratio.
SHORT_SIDE_TOLERANCE_PIXELS = 16
AREA_TOLERANCE = 0.15


@dataclass(frozen=True, slots=True)
class Film:
    """An opened file: its video stream, and how a player rotates and stretches it."""

    container: InputContainer
    stream: VideoStream
    track: Track

    @property
    def stretched(self) -> tuple[int, int]:
        """Width and height of a frame with square pixels, before rotation. As in browsers, no side
        is shortened."""
        coded = self.stream.codec_context
        shape = self.stream.sample_aspect_ratio or Fraction(1)
        if not Fraction(1, 16) <= shape <= 16:
            return coded.width, coded.height
        if shape >= 1:
            return round(coded.width * shape), coded.height
        return coded.width, round(coded.height / shape)

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height on the screen."""
        width, height = self.stretched
        return (height, width) if self.track.sideways else (width, height)


def probe(file: BinaryIO) -> Probe:
    """Reads the index and the first packet. Raises `NotAVideo`, and `OSError` if the file cannot be
    read."""
    with opened(file, MAX_READ_BYTES) as film:
        return _describe(film)


def mismatch(spec: Spec, probe: Probe) -> str | None:
    """A sentence that says how the video differs from the request, or None. Options that were left
    to the upstream are not compared."""
    size, facts, said = f"{probe.width}x{probe.height}", spec.facts, spec.facts.words
    found = []
    if (
        facts.seconds is not None
        and abs(probe.duration_seconds - facts.seconds) > DURATION_TOLERANCE_SECONDS
    ):
        found.append(f"{probe.duration_seconds:.1f} s instead of {facts.seconds} s")
    if facts.aspect_ratio is not None and not _has_ratio(probe, *facts.aspect_ratio):
        found.append(f"{size} instead of {said['aspect_ratio']}")
    if facts.lines is not None and not _has_lines(probe, facts.lines):
        found.append(f"{size} instead of {said['resolution']}")
    return f"The video is {', '.join(found)}." if found else None


def _has_ratio(probe: Probe, wide: int, high: int) -> bool:
    return abs(probe.width / probe.height * high / wide - 1) <= RATIO_TOLERANCE


def _has_lines(probe: Probe, lines: int) -> bool:
    width, height = frame_size((16, 9), lines)
    if abs(min(probe.width, probe.height) - height) <= SHORT_SIDE_TOLERANCE_PIXELS:
        return True
    return abs(probe.width * probe.height / (width * height) - 1) <= AREA_TOLERANCE


@contextmanager
def opened(file: BinaryIO, most_bytes: int) -> Iterator[Film]:
    """The film in a complete file whose size and codec are accepted. Raises `NotAVideo`, also for
    what Libav raises in the block."""
    import av

    tracks = {track.id: track for track in read_tracks(file) if track.kind == b"vide"}
    # Checked before Libav, which decodes the first frames of a stream to learn more about it.
    if any(track.width * track.height > MAX_FRAME_PIXELS for track in tracks.values()):
        raise NotAVideo("its frames are too large")
    try:
        # The format is fixed, so that Libav's other demuxers never see the file. It gets a file
        # object, so that the file cannot make it open another file or an address.
        source = BoundedFile(file, most_bytes)
        with av.open(source, "r", format="mp4", options=_OPTIONS) as container:
            stream = _picture(container)
            yield Film(container, stream, tracks.get(stream.id, Track(b"vide")))
    except (av.FFmpegError, ValueError, OverflowError, MemoryError):
        raise NotAVideo("it cannot be read") from None


def _picture(container: InputContainer) -> VideoStream:
    """The film: the first video stream that is not a cover picture."""
    import av

    for stream in container.streams.video:
        if stream.disposition & av.stream.Disposition.attached_pic:
            continue
        coded = stream.codec_context
        if coded is None or coded.codec.canonical_name not in CODECS:
            raise NotAVideo("its video codec is not supported")
        if coded.width <= 0 or coded.height <= 0:
            raise NotAVideo("its video has no size")
        if coded.width * coded.height > MAX_FRAME_PIXELS:
            raise NotAVideo("its frames are too large")
        return stream
    raise NotAVideo("it has no video stream")


def _describe(film: Film) -> Probe:
    container, stream = film.container, film.stream
    seconds = _seconds(container, stream)
    if not 0 < seconds < 24 * 3600:
        raise NotAVideo("its video has no plausible duration")
    if not next((packet.size for packet in container.demux(stream)), 0):
        raise NotAVideo("its video has no frames")
    width, height = film.shown
    rate = stream.average_rate
    return Probe(
        duration_seconds=seconds,
        width=width,
        height=height,
        codec=stream.codec_context.codec.canonical_name,
        frame_rate=float(rate) if rate else None,
        has_audio=bool(container.streams.audio),
    )


def _seconds(container: InputContainer, stream: VideoStream) -> float:
    import av

    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / av.time_base


class BoundedFile:
    """A file for Libav that yields at most `most` bytes in total. Raises `NotAVideo` beyond."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file = file
        self._left = most

    def read(self, size: int) -> bytes:
        block = self._file.read(size)
        self._left -= len(block)
        if self._left < 0:
            raise NotAVideo("its data is spread too far")
        return block

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()
