"""Names, lengths and sizes of other APIs, and what of ours each stands for. Pure.

The lengths and sizes are those that the OpenAI and Luma SDKs name; the rules follow one idea: what
is asked for is never made shorter, and a picture's shape never changes by more than can be seen.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.domain.generation import FRAME_SIZES, AspectRatio, Duration, Resolution, VideoModel
from app.errors import ConfigurationError

#: How far the shape of a size may be from a ratio: 1024x1792 is 1.6 % off 9:16, 4:3 is 33 % off it.
MAX_RATIO_OFF = 0.035
#: Short sides, in pixels, that are taken for 720p and for 1080p.
_SHORT_SIDES = ((640, 899, Resolution.P720), (900, 1200, Resolution.P1080))
#: Resolutions that are named by their lines and are not offered, and what is made instead.
_LINES = MappingProxyType({"360p": Resolution.P720, "540p": Resolution.P720})

_SIZE = re.compile(r"([1-9][0-9]{1,4})[xX]([1-9][0-9]{1,4})")
_SECONDS = re.compile(r"([0-9]{1,4})(?:\.0+)?s?")


@dataclass(frozen=True, slots=True)
class Aliases:
    """Other names of our models. Our own names are always understood."""

    table: Mapping[str, VideoModel]

    @classmethod
    def parse(cls, words: Iterable[str]) -> Aliases:
        """Of `alias=model` words. Raises `ConfigurationError` with one sentence."""
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


def find_duration(asked: str | int, *, strict: bool) -> Duration | None:
    """The length for `5`, `"5"` or `"5s"`: the next longer one where it is not offered. None where
    it is longer than any, strict and not offered, or no length at all."""
    found = _SECONDS.fullmatch(str(asked))
    seconds = int(found[1]) if found and not isinstance(asked, bool) else 0
    if seconds <= 0:
        return None
    for duration in sorted(Duration, key=lambda d: d.seconds):
        if duration.seconds == seconds or (duration.seconds > seconds and not strict):
            return duration
    return None


def find_size(asked: str, *, strict: bool) -> tuple[AspectRatio, Resolution] | None:
    """Ratio and resolution of `1280x720`, or of a ratio, which leaves the resolution at 720p. Not
    strict: the nearest ratio and the resolution of the short side. None where nothing is near."""
    if asked in AspectRatio.__members__.values():
        return AspectRatio(asked), Resolution.P720
    found = _SIZE.fullmatch(asked)
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


def find_resolution(asked: str, *, strict: bool) -> Resolution | None:
    """`720p` and `1080p`; smaller ones are made at 720p unless strict. None for larger ones."""
    if asked in Resolution.__members__.values():
        return Resolution(asked)
    return None if strict else _LINES.get(asked)


def frame_size(ratio: AspectRatio | None, resolution: Resolution | None) -> tuple[int, int]:
    """Pixels of what was asked for, where left open 16:9 and 720p, the upstream's own choice."""
    return FRAME_SIZES[ratio or AspectRatio.WIDE, resolution or Resolution.P720]


def _shape(ratio: AspectRatio) -> float:
    width, height = ratio.value.split(":")
    return math.log(int(width) / int(height))
