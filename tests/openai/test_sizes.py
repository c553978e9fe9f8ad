"""Frame sizes of OpenAI's API."""

from __future__ import annotations

import pytest

from app.dialects.openai.sizes import Frame, find_size, frames
from app.domain.catalog.catalog import BUILT_IN
from app.domain.catalog.spec import frame_size, lines_of, ratio_of

MADE = frames(BUILT_IN.models["ray-v3"].offered)


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
    frame = found and (ratio_of(found[0]), lines_of(found[1]))
    assert find_size(value, MADE, strict=False) == frame


def test_strict_takes_only_what_is_made() -> None:
    for frame in MADE:
        width, height = frame_size(*frame)
        assert find_size(f"{width}x{height}", MADE, strict=True) == frame
    assert find_size("1024x1792", MADE, strict=True) is None
    assert find_size("9:16", MADE, strict=True) == ((9, 16), 720)


@pytest.mark.parametrize("frame", MADE, ids=str)
def test_a_size_that_is_said_is_understood_again(frame: Frame) -> None:
    width, height = frame_size(*frame)
    assert find_size(f"{width}x{height}", MADE, strict=False) == frame
