"""Still pictures of a video: a thumbnail, and a sprite sheet for a timeline.

They are made from the archived file on request, one at a time, and the latest are cached in memory.
Nothing is stored: a video's pictures disappear with the video. `thumbnail` and `spritesheet` run in
a process of their own, behind `app.videos.decoder`.
"""

from __future__ import annotations

import asyncio
import io
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, BinaryIO

from app.errors import Unavailable
from app.videos.mp4 import NotAVideo
from app.videos.probe import MAX_FRAME_PIXELS, Film, opened

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from PIL.Image import Image, Transpose

#: The longest side of a thumbnail, and of one frame of a sprite sheet, in pixels.
THUMBNAIL_PIXELS = 640
CELL_PIXELS = 320
COLUMNS, ROWS = 5, 2
#: A ten-second video has at most 600 frames. The bounds keep a hostile file from taking more than
#: seconds.
MAX_FRAMES = 1_200
MAX_READ_BYTES = 256 << 20
#: PIL's operation for each rotation of a track. PIL counts angles counterclockwise.
_TURNS = {
    (-1, 0, 0, 1): "FLIP_LEFT_RIGHT",
    (1, 0, 0, -1): "FLIP_TOP_BOTTOM",
    (-1, 0, 0, -1): "ROTATE_180",
    (0, 1, -1, 0): "ROTATE_270",
    (0, -1, 1, 0): "ROTATE_90",
    (0, 1, 1, 0): "TRANSPOSE",
    (0, -1, -1, 0): "TRANSVERSE",
}
#: Size of the cache in bytes: hundreds of thumbnails.
KEPT_BYTES = 16 << 20
#: How many requests may wait for a picture at a time.
MAX_WAITING = 64


class Pictures:
    """Makes one picture at a time and caches the latest."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._waiting = 0

    async def get(self, name: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """The picture of this name, or what `make` returns. Raises what `make` raises, and
        `Unavailable` if too many wait already."""
        if name in self._kept:
            return self._take(name)
        if self._waiting >= MAX_WAITING:
            raise Unavailable("Too many pictures are being made right now.", retry_after_seconds=2)
        self._waiting += 1
        try:
            async with self._turn:
                if name not in self._kept:
                    self._keep(name, await make())
                return self._take(name)
        finally:
            self._waiting -= 1

    def _take(self, name: str) -> bytes:
        self._kept.move_to_end(name)
        return self._kept[name]

    def _keep(self, name: str, picture: bytes) -> None:
        self._kept[name] = picture
        while len(self._kept) > 1 and sum(map(len, self._kept.values())) > KEPT_BYTES:
            self._kept.popitem(last=False)


def thumbnail(file: BinaryIO) -> bytes:
    """One frame as WebP, from a quarter into the video: the first frames are often black. Raises
    `NotAVideo`, and `OSError` if the file cannot be read."""
    with opened(file, MAX_READ_BYTES) as film:
        seconds = _seconds(film)
        [frame] = _frames(film, [seconds / 4], pixels=THUMBNAIL_PIXELS)
    return _encoded(frame, "WEBP", quality=80)


def spritesheet(file: BinaryIO) -> bytes:
    """Ten frames in two rows as JPEG, evenly spaced, in order. Raises what `thumbnail` raises."""
    from PIL import Image

    count = COLUMNS * ROWS
    with opened(file, MAX_READ_BYTES) as film:
        seconds = _seconds(film)
        marks = [seconds * (number + 0.5) / count for number in range(count)]
        frames = _frames(film, marks, pixels=CELL_PIXELS)
    width, height = frames[0].size
    sheet = Image.new("RGB", (width * COLUMNS, height * ROWS))
    for number, frame in enumerate(frames):
        row, column = divmod(number, COLUMNS)
        sheet.paste(frame.resize((width, height)), (column * width, row * height))
    return _encoded(sheet, "JPEG", quality=85)


def _seconds(film: Film) -> float:
    import av

    return (film.container.duration or 0) / av.time_base


def _frames(film: Film, marks: list[float], *, pixels: int) -> list[Image]:
    """The first frame at or after each instant; for instants beyond the end, the last frame."""
    film.stream.codec_context.thread_count = 1
    film.stream.codec_context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}
    found: list[Image] = []
    last: VideoFrame | None = None
    for number, frame in enumerate(film.container.decode(film.stream)):
        last = frame
        while len(found) < len(marks) and (frame.time or 0.0) >= marks[len(found)]:
            found.append(_upright(film, frame, pixels))
        if len(found) == len(marks) or number >= MAX_FRAMES:
            break
    if last is None:
        raise NotAVideo("it has no frames")
    while len(found) < len(marks):
        found.append(_upright(film, last, pixels))
    return found


def _upright(film: Film, frame: VideoFrame, pixels: int) -> Image:
    """The frame as a player shows it, at most `pixels` on each side."""
    width, height = film.stretched
    factor = min(pixels / max(width, height), 1.0)
    size = max(round(width * factor), 1), max(round(height * factor), 1)
    small = frame.reformat(width=size[0], height=size[1], format="rgb24", threads=1)
    picture: Image = small.to_image()  # type: ignore[no-untyped-call]
    turn = _TURNS.get(film.track.turn)
    return picture if turn is None else picture.transpose(_transpose(turn))


def _transpose(name: str) -> Transpose:
    from PIL.Image import Transpose

    return Transpose[name]


def _encoded(picture: Image, kind: str, *, quality: int) -> bytes:
    held = io.BytesIO()
    picture.save(held, kind, quality=quality)
    return held.getvalue()
