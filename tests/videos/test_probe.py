"""Real files made for the test, real files spoiled, and the comparison with what was asked."""

from __future__ import annotations

import random
import struct
from pathlib import Path
from typing import Any

import av
import pytest

from app.domain.generation import (
    FRAME_SIZES,
    AspectRatio,
    Duration,
    Resolution,
    Spec,
    VideoModel,
)
from app.videos import probe as module
from app.videos.probe import NotAVideo, Probe, mismatch, probe


def film(
    path: Path,
    *,
    size: tuple[int, int] = (320, 180),
    frames: int = 30,
    audio: bool = False,
    codec: str = "libx264",
    movflags: str = "+faststart",
    container_format: str = "mp4",
) -> Path:
    options = {"movflags": movflags} if movflags and container_format == "mp4" else {}
    with av.open(str(path), "w", format=container_format, options=options) as container:
        video = container.add_stream(codec, rate=24)
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        sound = container.add_stream("aac", rate=48_000, layout="mono") if audio else None
        for _ in range(frames):
            container.mux(video.encode(av.VideoFrame(*size, "yuv420p")))
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


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return film(tmp_path_factory.mktemp("film") / "v.mp4").read_bytes()


def keep(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "kept.mp4"
    path.write_bytes(content)
    return path


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


@pytest.mark.parametrize(
    "movflags", ["+faststart", "", "frag_keyframe+empty_moov"], ids=["front", "end", "fragments"]
)
def test_a_film_is_described(tmp_path: Path, movflags: str) -> None:
    seen = probe(film(tmp_path / "v.mp4", size=(640, 360), frames=60, movflags=movflags))
    assert seen == Probe(
        duration_seconds=2.5, width=640, height=360, codec="h264", frame_rate=24.0, has_audio=False
    )


def test_sound_is_noticed(tmp_path: Path) -> None:
    assert probe(film(tmp_path / "v.mp4", audio=True)).has_audio


def test_another_codec_is_named(tmp_path: Path) -> None:
    assert probe(film(tmp_path / "v.mp4", codec="mpeg4")).codec == "mpeg4"


def test_what_hangs_on_at_the_end_is_forgiven(tmp_path: Path, whole: bytes) -> None:
    for tail in (bytes(5000), b"junk", b"\xff" * 99, box(b"skip", b"x" * 50)):
        assert probe(keep(tmp_path, whole + tail)).width == 320


def test_an_open_or_a_wide_last_box_is_understood(tmp_path: Path, whole: bytes) -> None:
    at = whole.index(b"mdat") - 4
    size = int.from_bytes(whole[at : at + 4], "big")
    assert at + size == len(whole)
    left_open = whole[:at] + bytes(4) + whole[at + 4 :]
    assert probe(keep(tmp_path, left_open)).width == 320
    wide = whole[:at] + struct.pack(">I4sQ", 1, b"mdat", size + 8) + whole[at + 8 :]
    assert probe(keep(tmp_path, wide)).width == 320
    with pytest.raises(NotAVideo, match="cut off"):
        probe(keep(tmp_path, wide[:-1]))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        bytes(100_000),
        b"\xff" * 100_000,
        b"<!DOCTYPE html><html><body>Not a film</body></html>",
        b'{"error": "expired"}',
        b"#EXTM3U\nhttp://127.0.0.1:9/other.mp4\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        random.Random(3).randbytes(100_000),
    ],
)
def test_other_things_are_no_mp4(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(NotAVideo, match="no MP4"):
        probe(keep(tmp_path, content))


@pytest.mark.parametrize("container_format", ["matroska", "avi", "mpegts"])
def test_other_containers_are_no_mp4(tmp_path: Path, container_format: str) -> None:
    path = film(tmp_path / "v.mp4", codec="mpeg4", container_format=container_format)
    with pytest.raises(NotAVideo, match="no MP4"):
        probe(path)


@pytest.mark.parametrize("movflags", ["+faststart", "", "frag_keyframe+empty_moov"])
def test_a_file_cut_anywhere_in_its_boxes_is_no_video(tmp_path: Path, movflags: str) -> None:
    data = film(tmp_path / "v.mp4", movflags=movflags).read_bytes()
    needed = data.index(b"mdat") - 4 if movflags else data.index(b"moov") - 4
    needed += int.from_bytes(data[needed : needed + 4], "big")
    for length in [*range(0, needed, 97), needed - 1]:
        with pytest.raises(NotAVideo):
            probe(keep(tmp_path, data[:length]))
    assert probe(keep(tmp_path, data[:needed])).width == 320


def test_an_empty_shell_is_no_video(tmp_path: Path, whole: bytes) -> None:
    shell = whole[: whole.index(b"moov") - 4]
    with pytest.raises(NotAVideo, match=r"cannot be read|no video"):
        probe(keep(tmp_path, shell + box(b"moov", b"") + box(b"mdat", b"")))
    at = whole.index(b"mdat") - 4
    with pytest.raises(NotAVideo, match="no frames"):
        probe(keep(tmp_path, whole[:at] + box(b"mdat", b"")))


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w", format="mp4") as container:
        sound = container.add_stream("aac", rate=48_000, layout="mono")
        frame = av.AudioFrame("fltp", "mono", 1024)
        frame.sample_rate, frame.pts = 48_000, 0
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        container.mux(sound.encode(frame))
        container.mux(sound.encode())
    with pytest.raises(NotAVideo, match="no video stream"):
        probe(path)


def test_an_index_is_read_up_to_a_bound(
    tmp_path: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    padded = whole[: whole.index(b"moov") - 4] + box(b"moov", bytes(module.MAX_INDEX_BYTES))
    with pytest.raises(NotAVideo, match="too large"):
        probe(keep(tmp_path, padded))
    monkeypatch.setattr(module, "MAX_READ_BYTES", 1000)
    with pytest.raises(NotAVideo, match="too much"):
        probe(keep(tmp_path, whole))


def test_a_spoiled_index_is_an_answer_and_not_a_crash(tmp_path: Path, whole: bytes) -> None:
    rng = random.Random(11)
    start = whole.index(b"moov")
    end = start - 4 + int.from_bytes(whole[start - 4 : start], "big")
    answers: set[type] = set()
    for _ in range(400):
        spoiled = bytearray(whole)
        for _ in range(rng.choice([1, 2, 8])):
            at = rng.randrange(start, end - 4)
            spoiled[at : at + 4] = rng.choice([rng.randbytes(4), b"\xff" * 4, bytes(4)])
        try:
            answers.add(type(probe(keep(tmp_path, bytes(spoiled)))))
        except NotAVideo as refusal:
            assert len(str(refusal)) < 60  # noqa: PT017 -- either outcome is right
            answers.add(NotAVideo)
    assert answers == {Probe, NotAVideo}


def test_a_missing_file_is_no_verdict_on_a_video(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        probe(tmp_path / "none.mp4")


def spec(**asked: Any) -> Spec:
    return Spec(
        prompt="a cat", model=VideoModel.RAY_V2, **{"duration": Duration.FIVE_SECONDS} | asked
    )


def seen(width: int, height: int, seconds: float = 5.0) -> Probe:
    return Probe(seconds, width, height, "h264", 24.0, has_audio=False)


@pytest.mark.parametrize("duration", list(Duration))
@pytest.mark.parametrize(("ratio", "resolution"), list(FRAME_SIZES))
def test_what_was_asked_for_matches(
    duration: Duration, ratio: AspectRatio, resolution: Resolution
) -> None:
    asked = spec(duration=duration, aspect_ratio=ratio, resolution=resolution)
    frame = seen(*FRAME_SIZES[ratio, resolution], seconds=duration.seconds)
    assert mismatch(asked, frame) is None
    for other in set(AspectRatio) - {ratio}:
        assert mismatch(spec(duration=duration, aspect_ratio=other), frame) is not None
    (other_resolution,) = set(Resolution) - {resolution}
    assert mismatch(spec(duration=duration, resolution=other_resolution), frame) is not None


@pytest.mark.parametrize(
    ("asked", "found", "difference"),
    [
        ({}, seen(300, 200), None),
        ({}, seen(300, 200, 5.6), None),
        ({}, seen(300, 200, 4.4), None),
        ({}, seen(300, 200, 5.7), "5.7 s instead of 5 s"),
        ({"duration": Duration.TEN_SECONDS}, seen(300, 200), "5.0 s instead of 10 s"),
        # 3.5 % of the ratio
        ({"aspect_ratio": AspectRatio.WIDE}, seen(1280, 704), None),
        ({"aspect_ratio": AspectRatio.WIDE}, seen(1280, 680), "1280x680 instead of 16:9"),
        ({"aspect_ratio": AspectRatio.TALL}, seen(720, 1280), None),
        ({"aspect_ratio": AspectRatio.TALL}, seen(1280, 720), "1280x720 instead of 9:16"),
        ({"aspect_ratio": AspectRatio.CINEMA}, seen(1568, 672), None),
        # the short side, or the pixels of the 16:9 frame
        ({"resolution": Resolution.P1080}, seen(1920, 1088), None),
        ({"resolution": Resolution.P1080}, seen(1440, 1440), None),
        ({"resolution": Resolution.P720}, seen(960, 960), None),
        ({"resolution": Resolution.P720}, seen(1568, 672), None),
        ({"resolution": Resolution.P1080}, seen(960, 960), "960x960 instead of 1080p"),
        ({"resolution": Resolution.P720}, seen(960, 540), "960x540 instead of 720p"),
        # all at once
        (
            {"aspect_ratio": AspectRatio.WIDE, "resolution": Resolution.P1080},
            seen(720, 720, 10.0),
            "10.0 s instead of 5 s, 720x720 instead of 16:9, 720x720 instead of 1080p",
        ),
    ],
)
def test_mismatch(asked: dict[str, Any], found: Probe, difference: str | None) -> None:
    expected = None if difference is None else f"The video is {difference}."
    assert mismatch(spec(**asked), found) == expected
