"""What can be asked of usage. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from app.domain.generation import State
from app.domain.metadata import MAX_KEY_CHARS
from app.domain.text import shown
from app.errors import InvalidRequest, Issue


class Dimension(StrEnum):
    """What rows are of, beside the value of a tag."""

    DAY = "day"
    MONTH = "month"
    MODEL = "model"
    STATE = "state"
    TEAM = "team"
    MEMBER = "member"
    KEY = "key"


#: A dimension, or a tag.
GROUP = rf"^({'|'.join(Dimension)}|metadata\[[^\u0000]{{1,{MAX_KEY_CHARS}}}\])$"
_DEFAULT = (Dimension.DAY, Dimension.MODEL, Dimension.STATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Of the days from `first` to `last`, inclusive, in the team's time zone: None are the last 30.
    There is a row for each combination of `dimensions`, and of the values of the tag with the key
    `by_tag`. Only what has all of `tags` counts, and what the other fields say. `key_id` is that of
    any key of an account: those that replaced each other are one."""

    first: date | None = None
    last: date | None = None
    dimensions: tuple[Dimension, ...] = _DEFAULT
    by_tag: str | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    member_id: UUID | None = None
    key_id: UUID | None = None
    model: str | None = None
    state: State | None = None

    @property
    def groups(self) -> tuple[str, ...]:
        """What rows are of, in words that `read_groups` takes."""
        tag = () if self.by_tag is None else (f"metadata[{self.by_tag}]",)
        return (*self.dimensions, *tag)


def read_group(given: Any) -> str:
    """A dimension, or a tag in brackets. Raises `ValueError`."""
    if not isinstance(given, str) or not re.fullmatch(GROUP[1:-1], given, re.DOTALL):
        raise ValueError(
            f"must be one of {', '.join(Dimension)}, or a tag, as in metadata[cost_centre]"
        )
    return given


def read_groups(given: Iterable[str]) -> tuple[tuple[Dimension, ...], str | None]:
    """Dimensions, and the key of a tag; the default where nothing is given. Raises `ValueError` as
    `read_group` does, and `InvalidRequest` for a second tag."""
    names = list(dict.fromkeys(map(read_group, given)))
    tags = [name for name in names if name not in set(Dimension)]
    if len(tags) > 1:
        message = "must have at most one tag"
        raise InvalidRequest(
            f"group_by {message}.", issues=[Issue("group_by", "value", message, shown(tags[1]))]
        )
    if not names:
        return _DEFAULT, None
    dimensions = tuple(Dimension(name) for name in names if name not in tags)
    return dimensions, tags[0].removeprefix("metadata[").removesuffix("]") if tags else None
