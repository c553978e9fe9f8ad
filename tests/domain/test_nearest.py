"""Names, lengths and sizes of other APIs."""

from __future__ import annotations

import pytest

from app.domain.generation import FRAME_SIZES, AspectRatio, Duration, Resolution, VideoModel
from app.domain.nearest import (
    Aliases,
    find_duration,
    find_resolution,
    find_size,
    frame_size,
)
from app.errors import ConfigurationError
from app.settings import Settings


@pytest.mark.parametrize(
    ("asked", "near", "strict"),
    [
        ("5", "5s", "5s"), (5, "5s", "5s"), ("5s", "5s", "5s"), ("5.0", "5s", "5s"),
        ("10", "10s", "10s"), (1, "5s", None), ("4", "5s", None), ("8", "10s", None),
        ("9s", "10s", None), ("12", None, None), (16, None, None), ("0", None, None),
        ("-5", None, None), ("", None, None), ("five", None, None), (True, None, None),
        ("5.5", None, None), ("99999", None, None),
    ],
)  # fmt: skip
def test_a_length_is_never_made_shorter(
    asked: str | int, near: str | None, strict: str | None
) -> None:
    assert find_duration(asked, strict=False) == near
    assert find_duration(asked, strict=True) == strict


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("720x1280", ("9:16", "720p")), ("1280x720", ("16:9", "720p")),
        ("1024x1792", ("9:16", "1080p")), ("1792x1024", ("16:9", "1080p")),
        ("1080x1920", ("9:16", "1080p")), ("1920X1080", ("16:9", "1080p")),
        ("1344x768", ("16:9", "720p")), ("1536x672", ("21:9", "720p")),
        ("1024x1024", ("1:1", "1080p")), ("1:1", ("1:1", "720p")),
        ("640x480", None), ("4000x2250", None), ("1280x1000", None), ("1280", None),
        ("0x0", None), ("00x00", None), ("00x720", None), ("720x00", None),
        ("", None), ("16:10", None), ("1280x720x1", None),
    ],
)  # fmt: skip
def test_a_size_is_the_nearest_shape(asked: str, found: tuple[str, str] | None) -> None:
    assert find_size(asked, strict=False) == found


def test_strict_takes_only_what_is_made() -> None:
    for options, (width, height) in FRAME_SIZES.items():
        assert find_size(f"{width}x{height}", strict=True) == options
    assert find_size("1024x1792", strict=True) is None
    assert find_size("9:16", strict=True) == ("9:16", "720p")


@pytest.mark.parametrize("options", FRAME_SIZES, ids=lambda o: f"{o[0]}-{o[1]}")
def test_a_size_that_is_said_is_understood_again(options: tuple[AspectRatio, Resolution]) -> None:
    width, height = frame_size(*options)
    assert find_size(f"{width}x{height}", strict=False) == options


def test_what_was_left_open_is_wide_and_720p() -> None:
    assert frame_size(None, None) == (1280, 720)
    assert frame_size(AspectRatio.TALL, None) == (720, 1280)


@pytest.mark.parametrize(
    ("asked", "near", "strict"),
    [("720p", "720p", "720p"), ("1080p", "1080p", "1080p"), ("540p", "720p", None),
     ("360p", "720p", None), ("4k", None, None), ("", None, None)],
)  # fmt: skip
def test_a_resolution_is_never_made_smaller(
    asked: str, near: str | None, strict: str | None
) -> None:
    assert find_resolution(asked, strict=False) == near
    assert find_resolution(asked, strict=True) == strict


def test_the_shipped_aliases_are_understood_and_so_are_our_own_names() -> None:
    aliases = Aliases.parse(Settings(_env_file=None).model_aliases)
    # All that the types of OpenAI's SDKs name.
    for sora in ("2", "2-pro", "2-2025-10-06", "2-2025-12-08", "2-pro-2025-10-06"):
        assert aliases.find(f"sora-{sora}") is VideoModel.RAY_V3
    assert aliases.find("ray-flash-2") is VideoModel.RAY_V2_FLASH
    assert all(aliases.find(model.value) is model for model in VideoModel)
    assert aliases.find("sora-3") is None
    assert aliases.names[: len(VideoModel)] == list(VideoModel)


@pytest.mark.parametrize(
    "word", ["sora-2", "sora-2=", "=ray-v3", "sora-2=ray-9", "ray-v2=ray-v3"]
)  # fmt: skip
def test_a_wrong_alias_stops_the_start(word: str) -> None:
    with pytest.raises(ConfigurationError, match="REELGATE_MODEL_ALIASES"):
        Settings(_env_file=None, model_aliases=word).checked()


def test_an_alias_stands_for_one_model() -> None:
    with pytest.raises(ConfigurationError, match="twice"):
        Aliases.parse(["a=ray-v2", "a=ray-v3"])


def test_lengths_are_in_order() -> None:
    """The next longer one is found by its seconds, whatever the order of the enumeration."""
    seconds = [duration.seconds for duration in Duration]
    assert seconds == sorted(seconds)
