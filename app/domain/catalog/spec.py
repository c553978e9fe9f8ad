"""What was asked for, free of dialect."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import gcd
from types import MappingProxyType
from typing import Any

_SECONDS = re.compile(r"([1-9][0-9]{0,3})s")
_LINES = re.compile(r"([1-9][0-9]{2,3})p")
_RATIO = re.compile(r"([1-9][0-9]?):([1-9][0-9]?)")
_SIZE = re.compile(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})")

#: Fields of these names say a fact, in every page that has them. `duration` is `5s`, `resolution`
#: is `720p`, `aspect_ratio` is `16:9`, `size` is `1280x720`, `loop` is a flag.
FACTS = ("prompt", "duration", "aspect_ratio", "resolution", "size", "loop")
#: Fields of these names are inputs: the first image, the last one, those that the video leads
#: through, and those to be like.
INPUTS = ("image", "tail_image", "frames", "reference_images")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What every Spec can say of itself; None where that was left to the upstream.

    `aspect_ratio` is (width, height), as 16 and 9; `lines` are those of the resolution, the short
    side in pixels; `loop` is whether the end continues into the beginning. `inputs` are (field, id)
    of each uploaded image.
    """

    prompt: str | None = None
    seconds: int | None = None
    aspect_ratio: tuple[int, int] | None = None
    lines: int | None = None
    loop: bool | None = None
    inputs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Facts:
        size = _SIZE.fullmatch(str(values.get("size", "")))
        ratio, lines = ratio_of(values.get("aspect_ratio")), lines_of(values.get("resolution"))
        if size is not None:
            width, height = int(size[1]), int(size[2])
            common = gcd(width, height)
            ratio = ratio or (width // common, height // common)
            lines = lines or min(width, height)
        return cls(
            prompt=values.get("prompt"),
            seconds=seconds_of(values.get("duration")),
            aspect_ratio=ratio,
            lines=lines,
            loop=values.get("loop"),
            inputs=tuple(_inputs(values)),
        )

    @cached_property
    def words(self) -> Mapping[str, Any]:
        """In our words, by the names of fields; what was left open is not in it."""
        ratio = self.aspect_ratio
        said = {
            "prompt": self.prompt,
            "duration": None if self.seconds is None else f"{self.seconds}s",
            "aspect_ratio": None if ratio is None else f"{ratio[0]}:{ratio[1]}",
            "resolution": None if self.lines is None else f"{self.lines}p",
            "loop": self.loop,
        }
        return MappingProxyType({name: word for name, word in said.items() if word is not None})

    @property
    def frame(self) -> tuple[int, int] | None:
        """Width and height in pixels, if both the ratio and the lines are known."""
        if self.aspect_ratio is None or self.lines is None:
            return None
        return frame_size(self.aspect_ratio, self.lines)


def _inputs(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in INPUTS:
        given = values.get(name, ())
        for each in (given,) if isinstance(given, str) else given:
            yield name, each


def frame_size(ratio: tuple[int, int], lines: int) -> tuple[int, int]:
    """Width and height in pixels: the short side has the lines, and both are even."""
    width, height = ratio
    long = 2 * round(lines * max(ratio) / min(ratio) / 2)
    return (long, lines) if width >= height else (lines, long)


def seconds_of(word: Any) -> int | None:
    """5, of `5s`."""
    found = _SECONDS.fullmatch(word) if isinstance(word, str) else None
    return int(found[1]) if found else None


def lines_of(word: Any) -> int | None:
    """720, of `720p`."""
    found = _LINES.fullmatch(word) if isinstance(word, str) else None
    return int(found[1]) if found else None


def ratio_of(word: Any) -> tuple[int, int] | None:
    """(16, 9), of `16:9`."""
    found = _RATIO.fullmatch(word) if isinstance(word, str) else None
    return (int(found[1]), int(found[2])) if found else None


def kind_of(model: str, seconds: int | None) -> str:
    """The kind of a Spec."""
    return model if seconds is None else f"{model} {seconds}s"


@dataclass(frozen=True, kw_only=True, repr=False)
class Spec:
    """What was asked for: a model by its id, and the values of its fields by our names. What the
    caller left open is not in it, nor is what the model fixes."""

    model: str
    values: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Spec({self.to_json()})"

    @cached_property
    def facts(self) -> Facts:
        return Facts.of(self.values)

    @cached_property
    def kind(self) -> str:
        """Specs of one kind take about as long: the model, and the length if it was asked for."""
        return kind_of(self.model, self.facts.seconds)

    def with_facts(self, facts: Facts) -> Spec:
        """The same, but for what these say."""
        return Spec(model=self.model, values={**self.values, **facts.words})

    def to_json(self) -> dict[str, Any]:
        return {"model": self.model, **self.values}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Spec:
        """The inverse of `to_json`, whatever models there are by now."""
        values = dict(stored)
        return cls(model=values.pop("model"), values=MappingProxyType(values))
