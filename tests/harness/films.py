"""Films made for a test."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av

from app.domain.assets import Probe
from app.videos.probe import probe


def film(
    path: Path,
    *,
    size: tuple[int, int] = (320, 180),
    frames: int = 30,
    audio: bool = False,
    codec: str = "libx264",
    movflags: str = "+faststart",
    container_format: str = "mp4",
    turned: int = 0,
    mirrored: bool = False,
    pixel_shape: Fraction | None = None,
) -> Path:
    """A film of one color, 24 frames a second. A player rotates it by `turned` degrees
    counterclockwise, then mirrors it, and makes each pixel `pixel_shape` times as wide as it is
    high."""
    options = {"movflags": movflags} if movflags and container_format == "mp4" else {}
    with av.open(str(path), "w", format=container_format, options=options) as container:
        video = container.add_stream(codec, rate=24)
        assert isinstance(video, av.VideoStream)
        video.width, video.height = size
        video.pix_fmt = "rgb24" if codec == "png" else "yuv420p"
        if pixel_shape is not None:
            video.codec_context.sample_aspect_ratio = pixel_shape
        if turned or mirrored:
            video.set_display_rotation(turned, hflip=mirrored)
        sound = container.add_stream("aac", rate=48_000, layout="mono") if audio else None
        for _ in range(frames):
            container.mux(video.encode(av.VideoFrame(*size, video.pix_fmt)))
        container.mux(video.encode())
        if sound is not None:
            assert isinstance(sound, av.AudioStream)
            for number in range(20):
                frame = av.AudioFrame("fltp", "mono", 1024)
                frame.sample_rate, frame.pts = 48_000, number * 1024
                for plane in frame.planes:
                    plane.update(bytes(plane.buffer_size))
                container.mux(sound.encode(frame))
            container.mux(sound.encode())
    return path


def box(kind: bytes, content: bytes) -> bytes:
    """A box of an MP4 file."""
    return struct.pack(">I4s", len(content) + 8, kind) + content


def left_open(film: bytes) -> bytes:
    """The same film, but its last box has no size and so extends to the end of the file."""
    at = film.index(b"mdat") - 4
    assert at + int.from_bytes(film[at : at + 4], "big") == len(film)
    return film[:at] + bytes(4) + film[at + 4 :]


def probed(path: Path) -> Probe:
    """Probes a film in this process."""
    with path.open("rb", buffering=0) as file:
        return probe(file)
