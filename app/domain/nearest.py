"""Maps the model names, durations and resolutions of other APIs to the nearest of ours. Pure.

A video is never shorter than requested, nor smaller.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.domain.generation import Duration, Resolution, VideoModel
from app.errors import ConfigurationError

_SECONDS = re.compile(r"([0-9]{1,4})(?:\.0+)?s?")
_LINES = re.compile(r"([1-9][0-9]{2,3})p")


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
        """With or without the provider before it, which routers such as LiteLLM write."""
        for known in (name, name.removeprefix("openai/").removeprefix("luma/")):
            if known in VideoModel.__members__.values():
                return VideoModel(known)
            if known in self.table:
                return self.table[known]
        return None

    @property
    def names(self) -> list[str]:
        """Everything that is understood: our own names first."""
        return [*VideoModel, *self.table]


NO_ALIASES = Aliases(MappingProxyType({}))


def accepted_seconds(*, strict: bool) -> list[int]:
    """Every duration in seconds for which `find_duration` finds one."""
    made = sorted(duration.seconds for duration in Duration)
    return made if strict else list(range(1, made[-1] + 1))


def find_duration(value: str | int, *, strict: bool) -> Duration | None:
    """The duration for `5`, `"5"` or `"5s"`: the next longer one if it is not offered. None if it
    is longer than any, strict and not offered, or no duration at all."""
    found = _SECONDS.fullmatch(str(value))
    seconds = int(found[1]) if found and not isinstance(value, bool) else 0
    if seconds <= 0:
        return None
    for duration in sorted(Duration, key=lambda d: d.seconds):
        if duration.seconds == seconds or (duration.seconds > seconds and not strict):
            return duration
    return None


def find_resolution(value: str, *, strict: bool) -> Resolution | None:
    """The resolution for `720p`: the next higher one if it is not offered. None if it is higher
    than any, strict and not offered, or no resolution at all."""
    found = _LINES.fullmatch(value)
    if found is None:
        return None
    wanted = int(found[1])
    for resolution in sorted(Resolution, key=lambda r: r.lines):
        if resolution.lines == wanted or (resolution.lines > wanted and not strict):
            return resolution
    return None
