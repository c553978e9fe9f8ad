"""Model names, durations and resolutions of other APIs."""

from __future__ import annotations

import pytest

from app.domain.catalog.catalog import BUILT_IN
from app.domain.catalog.spec import lines_of, seconds_of
from app.domain.nearest import Aliases, find_lines, find_seconds
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
    assert find_seconds(value, (5, 10), strict=False) == seconds_of(near)
    assert find_seconds(value, (5, 10), strict=True) == seconds_of(strict)


@pytest.mark.parametrize(
    ("value", "near", "strict"),
    [("720p", "720p", "720p"), ("1080p", "1080p", "1080p"), ("540p", "720p", None),
     ("360p", "720p", None), ("900p", "1080p", None), ("2160p", None, None), ("4k", None, None),
     ("0p", None, None), ("720", None, None), ("", None, None)],
)  # fmt: skip
def test_a_resolution_is_never_made_smaller(
    value: str, near: str | None, strict: str | None
) -> None:
    assert find_lines(value, (720, 1080), strict=False) == lines_of(near)
    assert find_lines(value, (720, 1080), strict=True) == lines_of(strict)


def test_the_shipped_aliases_are_understood_and_so_are_our_own_names() -> None:
    aliases = Aliases.parse(Settings(_env_file=None).model_aliases, BUILT_IN)
    # All that the types of OpenAI's SDKs name.
    for sora in ("2", "2-pro", "2-2025-10-06", "2-2025-12-08", "2-pro-2025-10-06"):
        assert aliases.find(f"sora-{sora}") is BUILT_IN.models["ray-v3"]
    assert aliases.find("ray-flash-2") is BUILT_IN.models["ray-v2-flash"]
    assert all(aliases.find(name) is model for name, model in BUILT_IN.enabled.items())
    assert aliases.find("sora-3") is None
    assert aliases.names[: len(BUILT_IN.enabled)] == list(BUILT_IN.enabled)


@pytest.mark.parametrize(
    "word", ["sora-2", "sora-2=", "=ray-v3", "sora-2=ray-9", "ray-v2=ray-v3"]
)  # fmt: skip
def test_a_wrong_alias_stops_the_start(word: str) -> None:
    with pytest.raises(ConfigurationError, match="REELGATE_MODEL_ALIASES"):
        Settings(_env_file=None, model_aliases=word).checked()


def test_an_alias_stands_for_one_model() -> None:
    with pytest.raises(ConfigurationError, match="twice"):
        Aliases.parse(["a=ray-v2", "a=ray-v3"], BUILT_IN)
