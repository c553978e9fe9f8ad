"""Pictures of films whose every frame is known."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
import pytest
from PIL import Image

from app.errors import Unavailable
from app.videos import thumbnails
from app.videos.mp4 import NotAVideo
from app.videos.thumbnails import Pictures, spritesheet, thumbnail

RATE = 10


def film(
    path: Path,
    *,
    frames: int,
    size: tuple[int, int] = (1280, 720),
    turned: int = 0,
    mirrored: bool = False,
    pixel_shape: Fraction | None = None,
) -> Path:
    """It grows lighter from black to white, frame by frame. Its upper left corner stays white."""
    with av.open(str(path), "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast"})
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        if turned or mirrored:
            video.set_display_rotation(turned, hflip=mirrored)
        if pixel_shape is not None:
            video.codec_context.sample_aspect_ratio = pixel_shape
        for number in range(frames):
            shade = round(255 * number / max(frames - 1, 1))
            picture = Image.new("RGB", size, (shade, shade, shade))
            picture.paste((255, 255, 255), (0, 0, size[0] // 4, size[1] // 4))
            frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
            container.mux(video.encode(frame))
        container.mux(video.encode())
    return path


Make = Callable[[BinaryIO], bytes]


def made_of(make: Make, path: Path) -> bytes:
    with path.open("rb", buffering=0) as file:
        return make(file)


def shade(picture: Image.Image, x: int, y: int) -> int:
    found = picture.convert("L").getpixel((x, y))
    assert isinstance(found, int)
    return found


def test_a_thumbnail_is_a_frame_from_a_quarter_in(tmp_path: Path) -> None:
    made = Image.open(io.BytesIO(made_of(thumbnail, film(tmp_path / "v.mp4", frames=40))))
    assert (made.format, made.size) == ("WEBP", (640, 360))
    assert 50 <= shade(made, 320, 180) <= 80


def test_a_small_film_is_not_blown_up(tmp_path: Path) -> None:
    made = Image.open(
        io.BytesIO(made_of(thumbnail, film(tmp_path / "v.mp4", frames=3, size=(96, 160))))
    )
    assert made.size == (96, 160)


@pytest.mark.parametrize(
    ("turned", "mirrored", "corner"),
    [
        (0, False, (0, 0)),
        (90, False, (0, 1)),
        (180, False, (1, 1)),
        (270, False, (1, 0)),
        (0, True, (1, 0)),
        (90, True, (1, 1)),
        (180, True, (0, 1)),
        (270, True, (0, 0)),
    ],
)
def test_a_thumbnail_is_upright(
    tmp_path: Path, turned: int, mirrored: bool, corner: tuple[int, int]
) -> None:
    """As ffmpeg turns the film when it shows it: `corner` is where its white one comes to lie."""
    size = (320, 180) if turned % 180 == 0 else (180, 320)
    path = film(tmp_path / "v.mp4", frames=4, size=(320, 180), turned=turned, mirrored=mirrored)
    made = Image.open(io.BytesIO(made_of(thumbnail, path)))
    assert made.size == size
    ends = ((8, size[0] - 8), (8, size[1] - 8))
    light = {(x, y) for x in (0, 1) for y in (0, 1) if shade(made, ends[0][x], ends[1][y]) > 200}
    assert light == {corner}


def test_a_picture_has_square_pixels(tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", frames=4, size=(640, 720), pixel_shape=Fraction(2))
    assert Image.open(io.BytesIO(made_of(thumbnail, path))).size == (640, 360)
    assert Image.open(io.BytesIO(made_of(spritesheet, path))).size == (1600, 360)


def test_a_sheet_has_ten_frames_in_their_order(tmp_path: Path) -> None:
    made = Image.open(io.BytesIO(made_of(spritesheet, film(tmp_path / "v.mp4", frames=50))))
    assert (made.format, made.size) == ("JPEG", (5 * 320, 2 * 180))
    shades = [shade(made, 160 + 320 * column, 90 + 180 * row) for row in (0, 1)
              for column in range(5)]  # fmt: skip
    assert shades == sorted(shades)
    assert shades[0] < 40
    assert shades[-1] > 215


def test_a_sheet_of_one_frame_shows_it_ten_times(tmp_path: Path) -> None:
    made = Image.open(io.BytesIO(made_of(spritesheet, film(tmp_path / "v.mp4", frames=1))))
    assert made.size == (1600, 360)


@pytest.mark.parametrize("make", [thumbnail, spritesheet])
def test_what_is_no_video_gives_no_picture(tmp_path: Path, make: Make) -> None:
    whole = film(tmp_path / "whole.mp4", frames=20).read_bytes()
    for number, content in enumerate((b"", b"no film", whole[:100], b"\0" * 4096)):
        file = tmp_path / f"{number}.mp4"
        file.write_bytes(content)
        with pytest.raises(NotAVideo):
            made_of(make, file)


def test_frames_that_are_too_large_are_not_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "MAX_FRAME_PIXELS", 100 * 100)
    with pytest.raises(NotAVideo):
        made_of(thumbnail, film(tmp_path / "v.mp4", frames=3))


def test_a_film_is_read_only_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "MAX_FRAMES", 5)
    made = Image.open(io.BytesIO(made_of(spritesheet, film(tmp_path / "v.mp4", frames=50))))
    assert shade(made, 1500, 300) < 60
    monkeypatch.setattr(thumbnails, "MAX_READ_BYTES", 2_000)
    with pytest.raises(NotAVideo):
        made_of(spritesheet, tmp_path / "v.mp4")


async def test_pictures_are_made_one_at_a_time_and_kept() -> None:
    kept, making, made = Pictures(), 0, 0

    async def make() -> bytes:
        nonlocal making, made
        making += 1
        assert making == 1
        await asyncio.sleep(0)
        making, made = making - 1, made + 1
        return b"picture"

    names = ["a", "b", "a", "b", "a"]
    assert set(await asyncio.gather(*(kept.get(name, make) for name in names))) == {b"picture"}
    assert made == 2


async def test_the_oldest_pictures_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "KEPT_BYTES", 20)
    kept, made = Pictures(), []

    async def get(name: str) -> None:
        async def make() -> bytes:
            made.append(name)
            return b"0123456789"

        await kept.get(name, make)

    for name in ("a", "b", "a", "c", "a", "b"):
        await get(name)
    assert made == ["a", "b", "c", "b"]


async def test_a_picture_that_fails_is_tried_again_and_too_many_are_sent_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept, going = Pictures(), asyncio.Event()

    async def fail() -> bytes:
        raise NotAVideo("no")

    async def wait() -> bytes:
        await going.wait()
        return b"picture"

    with pytest.raises(NotAVideo):
        await kept.get("a", fail)
    monkeypatch.setattr(thumbnails, "MAX_WAITING", 2)
    first = [asyncio.create_task(kept.get(name, wait)) for name in ("a", "b")]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as refused:
        await kept.get("c", wait)
    assert refused.value.retry_after_seconds == 2
    going.set()
    assert await asyncio.gather(*first) == [b"picture", b"picture"]
