"""Pictures of films whose every frame is known."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import av
import pytest
from PIL import Image

from app.errors import Unavailable
from app.videos import thumbnails
from app.videos.probe import NotAVideo
from app.videos.thumbnails import Pictures, spritesheet, thumbnail

RATE = 10


def film(path: Path, *, frames: int, size: tuple[int, int] = (1280, 720)) -> Path:
    """It grows lighter from black to white, frame by frame."""
    with av.open(str(path), "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast"})
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        for number in range(frames):
            shade = round(255 * number / max(frames - 1, 1))
            picture = Image.new("RGB", size, (shade, shade, shade))
            frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
            container.mux(video.encode(frame))
        container.mux(video.encode())
    return path


def shade(picture: Image.Image, x: int, y: int) -> int:
    found = picture.convert("L").getpixel((x, y))
    assert isinstance(found, int)
    return found


def test_a_thumbnail_is_a_frame_from_a_quarter_in(tmp_path: Path) -> None:
    made = Image.open(io.BytesIO(thumbnail(film(tmp_path / "v.mp4", frames=40))))
    assert (made.format, made.size) == ("WEBP", (640, 360))
    assert 50 <= shade(made, 320, 180) <= 80


def test_a_small_film_is_not_blown_up(tmp_path: Path) -> None:
    made = Image.open(io.BytesIO(thumbnail(film(tmp_path / "v.mp4", frames=3, size=(96, 160)))))
    assert made.size == (96, 160)


def test_a_sheet_has_ten_frames_in_their_order(tmp_path: Path) -> None:
    made = Image.open(io.BytesIO(spritesheet(film(tmp_path / "v.mp4", frames=50))))
    assert (made.format, made.size) == ("JPEG", (5 * 320, 2 * 180))
    shades = [shade(made, 160 + 320 * column, 90 + 180 * row) for row in (0, 1)
              for column in range(5)]  # fmt: skip
    assert shades == sorted(shades)
    assert shades[0] < 40
    assert shades[-1] > 215


def test_a_sheet_of_one_frame_shows_it_ten_times(tmp_path: Path) -> None:
    made = Image.open(io.BytesIO(spritesheet(film(tmp_path / "v.mp4", frames=1))))
    assert made.size == (1600, 360)


@pytest.mark.parametrize("make", [thumbnail, spritesheet])
def test_what_is_no_video_gives_no_picture(tmp_path: Path, make: thumbnails.Make) -> None:
    whole = film(tmp_path / "whole.mp4", frames=20).read_bytes()
    for number, content in enumerate((b"", b"no film", whole[:100], b"\0" * 4096)):
        file = tmp_path / f"{number}.mp4"
        file.write_bytes(content)
        with pytest.raises(NotAVideo):
            make(file)


def test_frames_that_are_too_large_are_not_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "MAX_FRAME_PIXELS", 100 * 100)
    with pytest.raises(NotAVideo):
        thumbnail(film(tmp_path / "v.mp4", frames=3))


def test_a_film_is_read_only_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "MAX_FRAMES", 5)
    made = Image.open(io.BytesIO(spritesheet(film(tmp_path / "v.mp4", frames=50))))
    assert shade(made, 1500, 300) < 60
    monkeypatch.setattr(thumbnails, "MAX_READ_BYTES", 2_000)
    with pytest.raises(NotAVideo):
        spritesheet(tmp_path / "v.mp4")


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
