"""Frame sizes of OpenAI's API."""

from __future__ import annotations

import pytest

from app.dialects.openai.sizes import find_size, frame_size
from app.domain.generation import FRAME_SIZES, AspectRatio, Resolution


@pytest.mark.parametrize(
    ("value", "found"),
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
def test_a_size_is_the_nearest_shape(value: str, found: tuple[str, str] | None) -> None:
    assert find_size(value, strict=False) == found


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
