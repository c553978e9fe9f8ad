"""Maps the model names, durations and sizes of other APIs to the nearest of ours. Pure.

The durations and sizes are those of the OpenAI and Luma SDKs. A video is never shorter than
requested, and its aspect ratio never changes visibly.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.domain.generation import FRAME_SIZES, AspectRatio, Duration, Resolution, VideoModel
from app.errors import ConfigurationError

#: How far a size may differ from an aspect ratio. 1024x1792 differs from 9:16 by 1.6 %.
MAX_RATIO_OFF = 0.035
#: The lengths of the short side, in pixels, that count as 720p and as 1080p.
_SHORT_SIDES = ((640, 899, Resolution.P720), (900, 1200, Resolution.P1080))
#: Named resolutions that are not offered, and what is made instead.
_LINES = MappingProxyType({"360p": Resolution.P720, "540p": Resolution.P720})

_SIZE = re.compile(r"([1-9][0-9]{1,4})[xX]([1-9][0-9]{1,4})")
_SECONDS = re.compile(r"([0-9]{1,4})(?:\.0+)?s?")


@dataclass(frozen=True, slots=True)
class Aliases:
    """Aliases of our models. The models' own names are always accepted."""

    table: Mapping[str, VideoModel]

    @classmethod
    def parse(cls, words: Iterable[str]) -> Aliases:
        """Parses `alias=model` pairs. Raises `ConfigurationError`."""
        table: dict[str, VideoModel] = {}
        own = ", ".join(VideoModel)
        for word in words:
            alias, found, model = (part.strip() for part in word.partition("="))
            if not found or not alias or model not in VideoModel.__members__.values():
                raise ConfigurationError(
                    f"REELGATE_MODEL_ALIASES: `{word}` must be alias=model, with a model of {own}."
                )
            if alias in table or alias in VideoModel.__members__.values():
                raise ConfigurationError(
                    f"REELGATE_MODEL_ALIASES: `{alias}` is there twice, or is a model's own name."
                )
            table[alias] = VideoModel(model)
        return cls(MappingProxyType(table))

    def find(self, name: str) -> VideoModel | None:
        if name in VideoModel.__members__.values():
            return VideoModel(name)
        return self.table.get(name)

    @property
    def names(self) -> list[str]:
        """Everything that is understood: our own names first."""
        return [*VideoModel, *self.table]


def find_duration(value: str | int, *, strict: bool) -> Duration | None:
    """The length for `5`, `"5"` or `"5s"`: the next longer one where it is not offered. None where
    it is longer than any, strict and not offered, or no length at all."""
    found = _SECONDS.fullmatch(str(value))
    seconds = int(found[1]) if found and not isinstance(value, bool) else 0
    if seconds <= 0:
        return None
    for duration in sorted(Duration, key=lambda d: d.seconds):
        if duration.seconds == seconds or (duration.seconds > seconds and not strict):
            return duration
    return None


def find_size(value: str, *, strict: bool) -> tuple[AspectRatio, Resolution] | None:
    """The aspect ratio and resolution of a size such as `1280x720`, or of an aspect ratio, which
    means 720p. Unless strict, also of a size that is near enough. None if there is none."""
    if value in AspectRatio.__members__.values():
        return AspectRatio(value), Resolution.P720
    found = _SIZE.fullmatch(value)
    if found is None:
        return None
    size = int(found[1]), int(found[2])
    for options, exact in FRAME_SIZES.items():
        if exact == size:
            return options
    if strict:
        return None
    shape = math.log(size[0] / size[1])
    ratio = min(AspectRatio, key=lambda ratio: abs(_shape(ratio) - shape))
    if abs(math.expm1(_shape(ratio) - shape)) > MAX_RATIO_OFF:
        return None
    for least, most, resolution in _SHORT_SIDES:
        if least <= min(size) <= most:
            return ratio, resolution
    return None


def find_resolution(value: str, *, strict: bool) -> Resolution | None:
    """`720p` and `1080p`. Unless strict, smaller ones become 720p. None for any other."""
    if value in Resolution.__members__.values():
        return Resolution(value)
    return None if strict else _LINES.get(value)


def frame_size(ratio: AspectRatio | None, resolution: Resolution | None) -> tuple[int, int]:
    """Width and height in pixels. Omitted options mean 16:9 and 720p, as at the upstream."""
    return FRAME_SIZES[ratio or AspectRatio.WIDE, resolution or Resolution.P720]


def _shape(ratio: AspectRatio) -> float:
    width, height = ratio.value.split(":")
    return math.log(int(width) / int(height))
