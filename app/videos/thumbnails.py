"""Still pictures of a video: a thumbnail, and a sheet of frames for a timeline.

They are made of the archived file when they are asked for, one at a time in a process, and the
latest are kept in memory. Nothing is stored: what is made of a video is gone when the video is.
"""

from __future__ import annotations

import asyncio
import io
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import Unavailable
from app.videos.probe import OPTIONS, BoundedFile, NotAVideo, check_boxes, video_of

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from PIL.Image import Image

#: Makes a picture of a file: blocks, and raises `NotAVideo` or `OSError`.
Make = Callable[[Path], bytes]

#: Longest side of a thumbnail, and of one frame of a sheet, in pixels.
THUMBNAIL_PIXELS = 640
CELL_PIXELS = 320
COLUMNS, ROWS = 5, 2
#: A video of ten seconds has at most 600 frames; the bounds keep a hostile file from costing more
#: than seconds.
MAX_FRAMES = 1_200
MAX_READ_BYTES = 256 << 20
MAX_FRAME_PIXELS = 1 << 24
#: Pictures kept, in bytes of all together: hundreds of thumbnails.
KEPT_BYTES = 16 << 20
#: Requests that wait for a picture at a time.
MAX_WAITING = 64


class Pictures:
    """Makes one picture at a time and keeps the latest."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._waiting = 0

    async def get(self, name: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """The picture of this name, or what `make` returns. Raises what `make` raises, and
        `Unavailable` where too many wait already."""
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


def thumbnail(path: Path) -> bytes:
    """One frame as WebP, from a quarter into the video: the first ones are often black. Blocks.
    Raises `NotAVideo`, and `OSError` where the file cannot be read at all."""
    with _opened(path) as container:
        seconds = _seconds(container)
        [frame] = _frames(container, [seconds / 4], pixels=THUMBNAIL_PIXELS)
    return _encoded(frame, "WEBP", quality=80)


def spritesheet(path: Path) -> bytes:
    """Ten frames in two rows as JPEG, at even distances, in their order. Blocks. Raises as
    `thumbnail` does."""
    from PIL import Image

    count = COLUMNS * ROWS
    with _opened(path) as container:
        seconds = _seconds(container)
        marks = [seconds * (number + 0.5) / count for number in range(count)]
        frames = _frames(container, marks, pixels=CELL_PIXELS)
    width, height = frames[0].size
    sheet = Image.new("RGB", (width * COLUMNS, height * ROWS))
    for number, frame in enumerate(frames):
        row, column = divmod(number, COLUMNS)
        sheet.paste(frame.resize((width, height)), (column * width, row * height))
    return _encoded(sheet, "JPEG", quality=85)


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    import av

    with path.open("rb", buffering=0) as file:
        check_boxes(file)
        try:
            source = BoundedFile(file, MAX_READ_BYTES)
            with av.open(source, "r", format="mp4", options=OPTIONS) as container:
                yield container
        except (av.FFmpegError, ValueError, OverflowError, MemoryError):
            raise NotAVideo("its frames cannot be read") from None


def _seconds(container: InputContainer) -> float:
    import av

    return (container.duration or 0) / av.time_base


def _frames(container: InputContainer, marks: list[float], *, pixels: int) -> list[Image]:
    """The first frame at or after each of the instants; the last one there is for those beyond."""
    stream = video_of(container)
    stream.codec_context.thread_count = 1
    stream.codec_context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}
    found: list[Image] = []
    last: VideoFrame | None = None
    for number, frame in enumerate(container.decode(stream)):
        last = frame
        while len(found) < len(marks) and (frame.time or 0.0) >= marks[len(found)]:
            found.append(_scaled(frame, pixels))
        if len(found) == len(marks) or number >= MAX_FRAMES:
            break
    if last is None:
        raise NotAVideo("it has no frames")
    while len(found) < len(marks):
        found.append(_scaled(last, pixels))
    return found


def _scaled(frame: VideoFrame, pixels: int) -> Image:
    factor = min(pixels / max(frame.width, frame.height), 1.0)
    size = max(round(frame.width * factor), 1), max(round(frame.height * factor), 1)
    small = frame.reformat(width=size[0], height=size[1], format="rgb24")
    picture: Image = small.to_image()  # type: ignore[no-untyped-call]
    return picture


def _encoded(picture: Image, kind: str, *, quality: int) -> bytes:
    held = io.BytesIO()
    picture.save(held, kind, quality=quality)
    return held.getvalue()
