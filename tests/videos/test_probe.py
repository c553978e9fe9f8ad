"""Real files made for the test, real files spoiled, and the comparison with what was asked."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from app.domain.assets import Probe
from app.domain.catalog.spec import Spec
from app.videos import mp4
from app.videos import probe as module
from app.videos.mp4 import NotAVideo
from app.videos.probe import mismatch
from tests.harness.films import box, film, left_open, probed
from tests.harness.specs import DURATIONS, RATIOS, RESOLUTIONS, luma


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return film(tmp_path_factory.mktemp("film") / "v.mp4").read_bytes()


def keep(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "kept.mp4"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "movflags", ["+faststart", "", "frag_keyframe+empty_moov"], ids=["front", "end", "fragments"]
)
def test_a_film_is_described(tmp_path: Path, movflags: str) -> None:
    seen = probed(film(tmp_path / "v.mp4", size=(640, 360), frames=60, movflags=movflags))
    assert seen == Probe(
        duration_seconds=2.5, width=640, height=360, codec="h264", frame_rate=24.0, has_audio=False
    )


def test_sound_is_noticed(tmp_path: Path) -> None:
    assert probed(film(tmp_path / "v.mp4", audio=True)).has_audio


@pytest.mark.parametrize(
    ("encoder", "codec"),
    [("mpeg4", "mpeg4"), ("libx265", "hevc"), ("libvpx-vp9", "vp9"), ("libsvtav1", "av1")],
)
def test_a_codec_is_named_for_the_stream_and_not_for_what_decodes_it(
    tmp_path: Path, encoder: str, codec: str
) -> None:
    assert probed(film(tmp_path / "v.mp4", codec=encoder, frames=3)).codec == codec


def test_what_hangs_on_at_the_end_is_forgiven(tmp_path: Path, whole: bytes) -> None:
    for tail in (bytes(5000), b"junk", b"\xff" * 99, box(b"skip", b"x" * 50)):
        assert probed(keep(tmp_path, whole + tail)).width == 320


def test_an_open_or_a_wide_last_box_is_understood(tmp_path: Path, whole: bytes) -> None:
    at = whole.index(b"mdat") - 4
    size = int.from_bytes(whole[at : at + 4], "big")
    assert at + size == len(whole)
    assert probed(keep(tmp_path, left_open(whole))).width == 320
    assert whole[at - 4 : at] == b"free"  # the muxer leaves room for this
    wide = whole[: at - 8] + struct.pack(">I4sQ", 1, b"mdat", size + 8) + whole[at + 8 :]
    assert probed(keep(tmp_path, wide)).width == 320
    with pytest.raises(NotAVideo, match="truncated"):
        probed(keep(tmp_path, wide[:-1]))


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
    with pytest.raises(NotAVideo, match="not an MP4"):
        probed(keep(tmp_path, content))


@pytest.mark.parametrize("container_format", ["matroska", "avi", "mpegts"])
def test_other_containers_are_no_mp4(tmp_path: Path, container_format: str) -> None:
    path = film(tmp_path / "v.mp4", codec="mpeg4", container_format=container_format)
    with pytest.raises(NotAVideo, match="not an MP4"):
        probed(path)


@pytest.mark.parametrize("movflags", ["+faststart", "", "frag_keyframe+empty_moov"])
def test_a_file_cut_anywhere_in_its_boxes_is_no_video(tmp_path: Path, movflags: str) -> None:
    data = film(tmp_path / "v.mp4", movflags=movflags).read_bytes()
    needed = data.index(b"mdat") - 4 if movflags else data.index(b"moov") - 4
    needed += int.from_bytes(data[needed : needed + 4], "big")
    for length in [*range(0, needed, 97), needed - 1]:
        with pytest.raises(NotAVideo):
            probed(keep(tmp_path, data[:length]))
    assert probed(keep(tmp_path, data[:needed])).width == 320


@pytest.mark.parametrize("audio", [False, True])
def test_a_file_that_lacks_a_byte_of_a_frame_is_no_video(tmp_path: Path, audio: bool) -> None:
    """Also where no box says so: the last one reaches to the end, wherever that is."""
    data = left_open(film(tmp_path / "v.mp4", audio=audio).read_bytes())
    assert probed(keep(tmp_path, data)).has_audio is audio
    for length in [*range(data.index(b"mdat") + 4, len(data), 61), len(data) * 6 // 10, -1]:
        with pytest.raises(NotAVideo, match="truncated"):
            probed(keep(tmp_path, data[:length]))


def test_a_box_that_claims_more_than_its_frames_need_is_forgiven(
    tmp_path: Path, whole: bytes
) -> None:
    at = whole.index(b"mdat") - 4
    size = int.from_bytes(whole[at : at + 4], "big")
    boastful = whole[:at] + struct.pack(">I", size + 1000) + whole[at + 4 :]
    assert probed(keep(tmp_path, boastful)).width == 320


def test_whatever_plays_as_an_mp4_is_one(tmp_path: Path, whole: bytes) -> None:
    for changed in (
        whole.replace(b"isom", b"what", 1),
        whole.replace(b"ftyp", b"free", 1),
        whole.replace(b"ftyp", b"wide", 1),
        # Sizes of 64 bits for the frames' places, as in files of more than 4 GB.
        _with_wide_offsets(whole),
    ):
        assert probed(keep(tmp_path, changed)).duration_seconds == 1.25


def _with_wide_offsets(film: bytes) -> bytes:
    """The index at the front grows by four bytes for each chunk, and all its parents with it."""
    at = film.index(b"stco") - 4
    size, _, _, chunks = struct.unpack_from(">I4sII", film, at)
    grown = 4 * chunks
    offsets = [place + grown for place in struct.unpack_from(f">{chunks}I", film, at + 16)]
    table = box(b"co64", struct.pack(f">II{chunks}Q", 0, chunks, *offsets))
    changed = bytearray(film[:at] + table + film[at + size :])
    for parent in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        place = changed.index(parent) - 4
        old = int.from_bytes(changed[place : place + 4], "big")
        changed[place : place + 4] = (old + grown).to_bytes(4, "big")
    return bytes(changed)


@pytest.mark.parametrize(
    ("turned", "mirrored", "shown"),
    [
        (0, False, (320, 180)),
        (90, False, (180, 320)),
        (180, False, (320, 180)),
        (270, False, (180, 320)),
        (0, True, (320, 180)),
        (90, True, (180, 320)),
    ],
)
def test_a_film_is_as_large_as_a_player_shows_it(
    tmp_path: Path, turned: int, mirrored: bool, shown: tuple[int, int]
) -> None:
    seen = probed(film(tmp_path / "v.mp4", turned=turned, mirrored=mirrored))
    assert (seen.width, seen.height) == shown


@pytest.mark.parametrize(
    ("size", "shape", "turned", "shown"),
    [
        ((640, 720), Fraction(2), 0, (1280, 720)),
        ((640, 720), Fraction(2), 90, (720, 1280)),
        ((1280, 360), Fraction(1, 2), 0, (1280, 720)),
        ((1440, 1080), Fraction(4, 3), 0, (1920, 1080)),
    ],
)
def test_pixels_need_not_be_square(
    tmp_path: Path, size: tuple[int, int], shape: Fraction, turned: int, shown: tuple[int, int]
) -> None:
    seen = probed(film(tmp_path / "v.mp4", size=size, pixel_shape=shape, turned=turned, frames=3))
    assert (seen.width, seen.height) == shown


def test_a_turned_film_is_what_was_asked_for(tmp_path: Path) -> None:
    seen = probed(film(tmp_path / "v.mp4", size=(1280, 720), frames=120, turned=90))
    assert mismatch(spec(aspect_ratio="9:16", resolution="720p"), seen) is None
    assert mismatch(spec(aspect_ratio="16:9"), seen) is not None


def test_what_is_not_decoded_is_no_video(tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", codec="png", frames=1)
    with pytest.raises(NotAVideo, match="codec is not supported"):
        probed(path)


def test_a_size_that_is_claimed_is_believed_before_anything_is_decoded(
    tmp_path: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = whole.index(b"avc1", whole.index(b"stsd")) + 4 + 24
    assert struct.unpack_from(">2H", whole, at) == (320, 180)
    monkeypatch.setattr(av, "open", None)
    with pytest.raises(NotAVideo, match="too large"):
        probed(keep(tmp_path, whole[:at] + struct.pack(">2H", 12_000, 12_000) + whole[at + 4 :]))


MEASURED = """
import sys
from pathlib import Path
from app.videos.mp4 import NotAVideo
from app.videos.probe import probe
try:
    probe(Path(sys.argv[1]).open("rb", buffering=0))
except NotAVideo as refusal:
    peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
    print(refusal, int(peak) // 1024, sep=";")
"""


def test_a_picture_of_144_megapixels_takes_no_memory(tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", codec="png", size=(12_000, 12_000), frames=1)
    command = [sys.executable, "-c", MEASURED, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    refusal, megabytes = done.stdout.split(";")
    assert refusal == "its frames are too large"
    assert int(megabytes) < 100


def test_an_empty_shell_is_no_video(tmp_path: Path, whole: bytes) -> None:
    shell = whole[: whole.index(b"moov") - 4]
    with pytest.raises(NotAVideo, match=r"cannot be read|no video"):
        probed(keep(tmp_path, shell + box(b"moov", b"") + box(b"mdat", b"")))
    at = whole.index(b"mdat") - 4
    with pytest.raises(NotAVideo, match="truncated"):
        probed(keep(tmp_path, whole[:at] + box(b"mdat", b"")))


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
        probed(path)


def test_an_index_is_read_up_to_a_bound(
    tmp_path: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    padded = whole[: whole.index(b"moov") - 4] + box(b"moov", bytes(mp4.MAX_INDEX_BYTES))
    with pytest.raises(NotAVideo, match="too large"):
        probed(keep(tmp_path, padded))
    monkeypatch.setattr(module, "MAX_READ_BYTES", 1000)
    with pytest.raises(NotAVideo, match="spread too far"):
        probed(keep(tmp_path, whole))


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
            answers.add(type(probed(keep(tmp_path, bytes(spoiled)))))
        except NotAVideo as refusal:
            assert len(str(refusal)) < 60  # noqa: PT017 -- either outcome is right
            answers.add(NotAVideo)
    assert answers == {Probe, NotAVideo}


def test_a_missing_file_is_no_verdict_on_a_video(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        probed(tmp_path / "none.mp4")


def spec(**options: Any) -> Spec:
    return luma(prompt="a cat", model="ray-v2", **options)


def seen(width: int, height: int, seconds: float = 5.0) -> Probe:
    return Probe(seconds, width, height, "h264", 24.0, has_audio=False)


@pytest.mark.parametrize("duration", DURATIONS)
@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_what_was_asked_for_matches(duration: str, ratio: str, resolution: str) -> None:
    wanted = spec(duration=duration, aspect_ratio=ratio, resolution=resolution)
    facts = wanted.facts
    assert facts.frame is not None
    assert facts.seconds is not None
    frame = seen(*facts.frame, seconds=facts.seconds)
    assert mismatch(wanted, frame) is None
    for other in set(RATIOS) - {ratio}:
        assert mismatch(spec(duration=duration, aspect_ratio=other), frame) is not None
    (other_resolution,) = set(RESOLUTIONS) - {resolution}
    assert mismatch(spec(duration=duration, resolution=other_resolution), frame) is not None


@pytest.mark.parametrize(
    ("options", "found", "difference"),
    [
        ({}, seen(300, 200), None),
        ({}, seen(300, 200, 5.6), None),
        ({}, seen(300, 200, 4.4), None),
        ({}, seen(300, 200, 5.7), "5.7 s instead of 5 s"),
        ({"duration": "10s"}, seen(300, 200), "5.0 s instead of 10 s"),
        # 3.5 % of the ratio
        ({"aspect_ratio": "16:9"}, seen(1280, 704), None),
        ({"aspect_ratio": "16:9"}, seen(1280, 680), "1280x680 instead of 16:9"),
        ({"aspect_ratio": "9:16"}, seen(720, 1280), None),
        ({"aspect_ratio": "9:16"}, seen(1280, 720), "1280x720 instead of 9:16"),
        ({"aspect_ratio": "21:9"}, seen(1568, 672), None),
        # the short side, or the pixels of the 16:9 frame
        ({"resolution": "1080p"}, seen(1920, 1088), None),
        ({"resolution": "1080p"}, seen(1440, 1440), None),
        ({"resolution": "720p"}, seen(960, 960), None),
        ({"resolution": "720p"}, seen(1568, 672), None),
        ({"resolution": "1080p"}, seen(960, 960), "960x960 instead of 1080p"),
        ({"resolution": "720p"}, seen(960, 540), "960x540 instead of 720p"),
        # all at once
        (
            {"aspect_ratio": "16:9", "resolution": "1080p"},
            seen(720, 720, 10.0),
            "10.0 s instead of 5 s, 720x720 instead of 16:9, 720x720 instead of 1080p",
        ),
    ],
)
def test_mismatch(options: dict[str, Any], found: Probe, difference: str | None) -> None:
    expected = None if difference is None else f"The video is {difference}."
    assert mismatch(spec(**options), found) == expected
