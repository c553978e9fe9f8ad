"""The images that videos are made of: what may be one, and where it is. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from app.domain.catalog.spec import Spec

#: Content type → extension of its files, for every format that is read.
EXTENSIONS: Mapping[str, str] = MappingProxyType(
    {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
)
#: The formats as errors name them.
FORMATS = ("PNG", "JPEG", "WebP")
#: The longest side, and the most pixels, of an image that is decoded.
MAX_SIDE = 16_384
MAX_PIXELS = 40_000_000
_MAX_NAME = 255
#: The folder in the archive, and the folder of the paths that the 1min.ai API answers with.
FOLDER = "inputs"
_PATH = re.compile(
    r"(?:[^\s?#]*/)?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
    r"(?:\.(?:png|jpg|webp))?",
    re.IGNORECASE,
)


class InputState(StrEnum):
    """Each comment says when it is entered and what a crash means."""

    #: Checked, and being written to the archive. After a crash upkeep deletes it.
    PENDING = "pending"
    #: In the archive. Left when its owner or upkeep deletes it.
    READY = "ready"
    #: Deleted. After a crash the bytes are removed later.
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image as it is shown: upright. `turned`: the file says that it has to be turned for
    that."""

    content_type: str
    width: int
    height: int
    turned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """An uploaded image. `name` is the uploader's own. It is deleted at `expires_at` unless a
    generation keeps it. `path` is where it is in the archive."""

    id: UUID
    team_id: UUID
    member_id: UUID
    state: InputState
    name: str
    path: str | None
    sha256: str
    content_type: str
    size_bytes: int
    width: int
    height: int
    created_at: datetime
    expires_at: datetime

    @property
    def public_path(self) -> str:
        """Its path as the 1min.ai API answers it."""
        return _public_path(self.id, self.content_type)


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRule:
    """What a page demands of an image. `longest` and `shortest` are bounds of a side, in pixels;
    `widest` and `tallest` of width : height."""

    max_bytes: int | None = None
    content_types: tuple[str, ...] = tuple(EXTENSIONS)
    shortest: int | None = None
    longest: int | None = None
    tallest: tuple[int, int] | None = None
    widest: tuple[int, int] | None = None

    def broken_by(self, image: Input) -> str | None:
        """What is wrong, as the rest of a sentence; None if nothing is."""
        width, height = image.width, image.height
        if image.content_type not in self.content_types:
            return f"must be {_either(self.content_types)}, this is {image.content_type}"
        if self.max_bytes is not None and image.size_bytes > self.max_bytes:
            return f"must have at most {self.max_bytes} bytes, this has {image.size_bytes}"
        if self.shortest is not None and min(width, height) < self.shortest:
            return f"must be at least {self.shortest} pixels on each side, this is {width}x{height}"
        if self.longest is not None and max(width, height) > self.longest:
            return f"must be at most {self.longest} pixels on each side, this is {width}x{height}"
        narrow = self.tallest and width * self.tallest[1] < height * self.tallest[0]
        wide = self.widest and width * self.widest[1] > height * self.widest[0]
        if narrow or wide:
            return (
                f"must have a ratio from {_ratio(self.tallest)} to {_ratio(self.widest)}, "
                f"this is {width}x{height}"
            )
        return None


def _either(types: tuple[str, ...]) -> str:
    return " or ".join(types)


def _ratio(pair: tuple[int, int] | None) -> str:
    return "any" if pair is None else f"{pair[0]}:{pair[1]}"


def _public_path(input_id: UUID, content_type: str) -> str:
    return f"images/{input_id}.{EXTENSIONS[content_type]}"


def archive_path(team_id: UUID, sha256: str, content_type: str, *, token: str) -> str:
    """Every write has its own `token`, and so its own file, which no deletion of an earlier one can
    damage."""
    return f"{FOLDER}/{team_id}/{sha256}.{token}.{EXTENSIONS[content_type]}"


def parse_input_id(text: str) -> UUID | None:
    """The input that a caller names: by its id, or by the path that the 1min.ai API answers."""
    found = _PATH.fullmatch(text)
    return UUID(found[1]) if found and "://" not in text else None


def clean_name(name: str | None) -> str:
    """The last part of a file's name, in printable characters."""
    last = re.split(r"[/\\]", name or "")[-1]
    return "".join(char for char in last if char.isprintable())[:_MAX_NAME].strip() or "image"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputUse:
    """An input as its generation remembers it, also after it is deleted. `field` is that of its
    Spec."""

    field: str
    input_id: UUID
    sha256: str
    content_type: str
    size_bytes: int
    width: int
    height: int

    @classmethod
    def of(cls, field: str, image: Input) -> InputUse:
        return cls(
            field=field, input_id=image.id, sha256=image.sha256, content_type=image.content_type,
            size_bytes=image.size_bytes, width=image.width, height=image.height,
        )  # fmt: skip

    @property
    def public_path(self) -> str:
        """As the 1min.ai API answers it."""
        return _public_path(self.input_id, self.content_type)

    def to_json(self) -> dict[str, Any]:
        return {
            "field": self.field, "input_id": str(self.input_id), "sha256": self.sha256,
            "content_type": self.content_type, "size_bytes": self.size_bytes, "width": self.width,
            "height": self.height,
        }  # fmt: skip

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> InputUse:
        return cls(**{**stored, "input_id": UUID(stored["input_id"])})


def first_and_last(uses: Iterable[InputUse]) -> tuple[InputUse | None, InputUse | None]:
    """The images that a video begins and ends with, as far as it is made of such."""
    found: dict[str, list[InputUse]] = {}
    for use in uses:
        found.setdefault(use.field, []).append(use)
    frames = found.get("frames", [])
    first = found.get("image", frames[:1])
    last = found.get("tail_image", frames[1:][-1:])
    return next(iter(first), None), next(iter(last), None)


def named(spec: Spec, words: Mapping[UUID, str], uses: Iterable[InputUse]) -> Spec:
    """The Spec with other words for its inputs, such as their paths at the upstream. Those that
    have none keep their ids."""
    values = dict(spec.values)
    for use in uses:
        word, value = words.get(use.input_id), values.get(use.field)
        if word is not None and isinstance(value, list):
            values[use.field] = [word if one == str(use.input_id) else one for one in value]
        elif word is not None and value == str(use.input_id):
            values[use.field] = word
    return Spec(model=spec.model, values=values)
