"""Model names, durations and resolutions of other APIs."""

from __future__ import annotations

import pytest

from app.domain.generation import Duration, Resolution, VideoModel
from app.domain.nearest import Aliases, find_duration, find_resolution
from app.errors import ConfigurationError
from app.settings import Settings


@pytest.mark.parametrize(
    ("value", "near", "strict"),
    [
        ("5", "5s", "5s"), (5, "5s", "5s"), ("5s", "5s", "5s"), ("5.0", "5s", "5s"),
        ("10", "10s", "10s"), (1, "5s", None), ("4", "5s", None), ("8", "10s", None),
        ("9s", "10s", None), ("12", None, None), (16, None, None), ("0", None, None),
        ("-5", None, None), ("", None, None), ("five", None, None), (True, None, None),
        ("5.5", None, None), ("99999", None, None),
    ],
)  # fmt: skip
def test_a_length_is_never_made_shorter(
    value: str | int, near: str | None, strict: str | None
) -> None:
    assert find_duration(value, strict=False) == near
    assert find_duration(value, strict=True) == strict


@pytest.mark.parametrize(
    ("value", "near", "strict"),
    [("720p", "720p", "720p"), ("1080p", "1080p", "1080p"), ("540p", "720p", None),
     ("360p", "720p", None), ("900p", "1080p", None), ("2160p", None, None), ("4k", None, None),
     ("0p", None, None), ("720", None, None), ("", None, None)],
)  # fmt: skip
def test_a_resolution_is_never_made_smaller(
    value: str, near: str | None, strict: str | None
) -> None:
    assert find_resolution(value, strict=False) == near
    assert find_resolution(value, strict=True) == strict


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


def test_durations_and_resolutions_are_in_order() -> None:
    """Documents list them in the order of the enumeration."""
    seconds = [duration.seconds for duration in Duration]
    lines = [resolution.lines for resolution in Resolution]
    assert (seconds, lines) == (sorted(seconds), sorted(lines))
