"""The rendered file, as a decoder sees it."""

from __future__ import annotations

import itertools
from pathlib import Path
from uuid import UUID

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from app.domain.catalog.catalog import BUILT_IN
from app.domain.catalog.spec import Facts, Spec
from app.simulator import video, wire
from tests.harness.pictures import picture
from tests.harness.specs import DURATIONS, RATIOS, RESOLUTIONS, luma

UUID_A, UUID_B = UUID(int=0xA11CE << 90), UUID(int=0xB0B << 90)
SQUARE = luma(
    prompt="a fish is swimming",
    model="ray-v3",
    duration="5s",
    aspect_ratio="1:1",
)


def _picture(frame: av.VideoFrame) -> Image.Image:
    rgb = frame.reformat(format="rgb24").planes[0]
    size, line = (frame.width, frame.height), rgb.line_size
    return Image.frombytes("RGB", size, bytes(rgb), "raw", "RGB", line, 1)


def pictures(path: Path) -> list[Image.Image]:
    with av.open(str(path)) as container:
        return [_picture(frame) for frame in container.decode(video=0)]


def difference(one: Image.Image, other: Image.Image) -> float:
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean)


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("ratio", RATIOS)
def test_every_frame_size(tmp_path: Path, ratio: str, resolution: str) -> None:
    path = tmp_path / "video.mp4"
    spec = luma(aspect_ratio=ratio, resolution=resolution)
    video.render(path, spec, UUID_A, seconds=0.125)
    with av.open(str(path)) as container:
        [stream] = container.streams
        assert isinstance(stream, av.VideoStream)
        assert (stream.width, stream.height) == spec.facts.frame
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert sum(1 for _ in container.decode(video=0)) == 3


@pytest.mark.parametrize("duration", DURATIONS)
def test_the_duration_is_exact(tmp_path: Path, duration: str) -> None:
    path = tmp_path / "video.mp4"
    spec = luma(duration=duration, aspect_ratio="1:1")
    seconds = spec.facts.seconds
    assert seconds is not None
    video.render(path, spec, UUID_A)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert container.duration == seconds * 1_000_000
        assert stream.duration is not None
        assert stream.time_base is not None
        assert stream.duration * stream.time_base == seconds
        assert stream.average_rate == 24
        assert stream.frames == 24 * seconds
    content = path.read_bytes()
    assert content[4:12] == b"ftypisom"
    assert content.index(b"moov") < content.index(b"mdat")  # playable before it is complete


def test_omitted_options_give_the_size_of_the_sample() -> None:
    assert video.frame_size(luma()) == (1280, 720)


def test_the_same_spec_and_uuid_make_the_same_bytes(tmp_path: Path) -> None:
    names = {"first": UUID_A, "again": UUID_A, "other": UUID_B}
    for name, uuid in names.items():
        video.render(tmp_path / name, SQUARE, uuid, seconds=0.25)
    content = {name: (tmp_path / name).read_bytes() for name in names}
    assert content["first"] == content["again"]
    assert content["first"] != content["other"]


def test_the_prompt_is_in_the_picture(tmp_path: Path) -> None:
    shown = []
    for number, prompt in enumerate(("a fish is swimming", "two birds")):
        path = tmp_path / f"{number}.mp4"
        video.render(path, SQUARE.with_facts(Facts(prompt=prompt)), UUID_A, seconds=0.05)
        shown.append(pictures(path)[0])
    changed = ImageChops.difference(*shown).convert("L").point(lambda level: 255 * (level > 60))
    box = changed.getbbox()
    assert box is not None
    assert box[1] > shown[0].height * 0.7  # only the caption, at the bottom


@pytest.mark.parametrize("loop", [True, False])
def test_a_loop_ends_where_it_begins(tmp_path: Path, loop: bool) -> None:
    path = tmp_path / "video.mp4"
    video.render(path, SQUARE.with_facts(Facts(loop=loop)), UUID_A, seconds=2)
    frames = pictures(path)
    step = max(difference(one, next_) for one, next_ in itertools.pairwise(frames))
    seam = difference(frames[-1], frames[0])
    assert (seam < 1.5 * step) is loop
    assert difference(frames[0], frames[len(frames) // 2]) > 2 * step  # there is movement


def test_pictures_stand_still_at_their_moments(tmp_path: Path) -> None:
    colours = {0.0: (220, 20, 20), 0.5: (20, 200, 20), 1.0: (20, 20, 220)}
    given = []
    for when, colour in colours.items():
        file = tmp_path / f"{when}.png"
        file.write_bytes(picture(colour=colour))
        given.append((when, file))
    path = tmp_path / "film.mp4"
    video.render(path, SQUARE, UUID_A, seconds=3, pictures=given)
    frames = pictures(path)
    assert len(frames) == 3 * video.FRAME_RATE
    for when, colour in colours.items():
        shown = frames[min(int(when * len(frames)), len(frames) - 1)]
        seen = shown.getpixel((shown.width // 2, shown.height // 2))
        assert isinstance(seen, tuple)
        assert max(abs(one - other) for one, other in zip(seen, colour, strict=True)) < 30
    plain = tmp_path / "plain.mp4"
    video.render(plain, SQUARE, UUID_A, seconds=3)
    between = video.FRAME_RATE
    assert same(frames[between], pictures(plain)[between])


def same(one: Image.Image, other: Image.Image) -> bool:
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean) < 3


def test_where_a_video_shows_what_it_is_made_of() -> None:
    frames = Spec(model="pika-2.2-frames", values={"frames": ["a", "b", "c"]})
    assert wire.pictures(frames, BUILT_IN) == [(0.0, "a"), (0.5, "b"), (1.0, "c")]
    both = {"image": "a", "tail_image": "b", "reference_images": ["c"]}
    veo = Spec(model="veo-3.1-image", values=both)
    assert wire.pictures(veo, BUILT_IN) == [(0.0, "a"), (0.5, "c"), (1.0, "b")]
    assert wire.pictures(SQUARE, BUILT_IN) == []
