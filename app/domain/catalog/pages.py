"""Pages of the upstream's documents, with their fields, and how a request is checked by them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from app.domain.catalog.rules import Rule
from app.domain.inputs import InputRule
from app.domain.text import MAX_PROMPT_CHARS, check_text, shown
from app.errors import Rejections

#: More bits than any number of a page has.
_NUMBER_BITS = 64


#: An asset may be named by a URL that holds the image itself.
MAX_ASSET_CHARS = 1_048_576


class Kind(StrEnum):
    """What the values of a field are."""

    TEXT = "text"
    #: One of `choices`.
    CHOICE = "choice"
    INTEGER = "integer"
    NUMBER = "number"
    FLAG = "flag"
    #: The id of an input that was uploaded to the gateway. The worker puts the upstream's path in
    #: its place when it submits.
    ASSET = "asset"
    #: Ids of inputs, as many as the range says.
    ASSETS = "assets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a page: `name` is ours, `wire` the upstream's in promptObject.

    `choices` are our words, the same ones in every page, as `5s`; `sent` are what the upstream
    takes for them, in the same order, if that differs, as 5. `least` and `most` bound a number, the
    characters of a text, or how many assets there are. `default` is what the page says that an
    omitted one means, in our words. `image` is what the page demands of an asset. With `only_with`,
    it is only for requests, and required only in those, in which each of these other fields has one
    of these values; None is one that is left out.
    """

    name: str
    wire: str
    kind: Kind
    help: str
    required: bool = False
    choices: tuple[str, ...] = ()
    sent: tuple[str | int, ...] = ()
    least: float | None = None
    most: float | None = None
    default: Any = None
    image: InputRule | None = None
    only_with: Mapping[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)

    def excluded_by(self, values: Mapping[str, Any], *, by: Iterable[str]) -> str | None:
        """The first of these other fields whose value it is not for."""
        return next(
            (name for name in by if values.get(name) not in self.only_with.get(name, ())), None
        )

    @property
    def allowed(self) -> list[Any] | None:
        """All values in our words, if they can be listed."""
        if self.kind is Kind.CHOICE:
            return list(self.choices)
        return [True, False] if self.kind is Kind.FLAG else None

    def holds(self, count: int) -> bool:
        """Whether a list of so many is allowed."""
        return _within(self, count)

    @property
    def allowed_on_wire(self) -> list[Any] | None:
        if self.kind is Kind.CHOICE:
            return list(self.sent or self.choices)
        return self.allowed


@dataclass(frozen=True, slots=True)
class _Entry:
    """A field as one wire names it: `words` maps what may be sent to our words."""

    key: str
    field: Field
    allowed: list[Any] | None
    words: Mapping[Any, str]

    def check(self, value: Any, path: str, issues: Rejections) -> Any:
        """The value in our words; None if there is an issue."""
        return _CHECKS[self.field.kind](self, value, path, issues)


class Form:
    """The fields of a page as one wire names them: 1min.ai's, or our own."""

    def __init__(self, fields: Iterable[Field], *, native: bool) -> None:
        entries = [_native(field) if native else _own(field) for field in fields]
        self.entries = {entry.key: entry for entry in entries}
        self.names = list(self.entries)

    def check(
        self, values: Mapping[str, Any], *, prefix: str, issues: Rejections
    ) -> dict[str, Any]:
        """The values by our names, in our words. Adds what is wrong to `issues`, with `prefix`
        before the names of fields."""
        under = f"{prefix}." if prefix else ""
        for key in values:
            if issues.full:
                break
            if key not in self.entries:
                issues.add(
                    f"{under}{shown(key)}", "unknown",
                    f"unknown field; allowed fields are {', '.join(self.names)}",
                    value=shown(values[key]), allowed=self.names,
                )  # fmt: skip
        chosen: dict[str, Any] = {}
        for key, entry in self.entries.items():
            if key in values:
                chosen[entry.field.name] = entry.check(values[key], f"{under}{key}", issues)
            elif entry.field.required:
                issues.add(f"{under}{key}", "missing", "this field is required",
                           allowed=entry.allowed)  # fmt: skip
        return chosen


def _native(field: Field) -> _Entry:
    sent = field.sent or field.choices
    words = dict(zip(sent, field.choices, strict=True))
    return _Entry(field.wire, field, field.allowed_on_wire, words)


def _own(field: Field) -> _Entry:
    words = {word: word for word in field.choices}
    return _Entry(field.name, field, field.allowed, words)


def _check_text(entry: _Entry, value: Any, path: str, issues: Rejections) -> Any:
    most = MAX_PROMPT_CHARS if entry.field.most is None else int(entry.field.most)
    return check_text(value, path, issues, most=most)


def _check_choice(entry: _Entry, value: Any, path: str, issues: Rejections) -> Any:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        word = entry.words.get(value)  # 5.0 is 5
        if word is not None:
            return word
    names = ", ".join(str(choice) for choice in entry.allowed or ())
    issues.add(path, "value", f"must be one of {names}", value=shown(value), allowed=entry.allowed)
    return None


def _check_flag(entry: _Entry, value: Any, path: str, issues: Rejections) -> Any:
    if isinstance(value, bool):
        return value
    issues.add(path, "type", "must be true or false", value=shown(value), allowed=entry.allowed)
    return None


def _check_number(entry: _Entry, value: Any, path: str, issues: Rejections) -> Any:
    whole = entry.field.kind is Kind.INTEGER
    if isinstance(value, float) and whole and value.is_integer():
        value = int(value)
    if (
        not isinstance(value, int if whole else int | float)
        or isinstance(value, bool)
        or (isinstance(value, int) and value.bit_length() > _NUMBER_BITS)
        or not math.isfinite(value)
    ):
        message = "must be a whole number" if whole else "must be a number"
        issues.add(path, "type", message + _range(entry.field), value=shown(value))
    elif not _within(entry.field, value):
        issues.add(path, "value", f"must be{_range(entry.field)}", value=shown(value))
    else:
        return value
    return None


def _within(field: Field, value: float) -> bool:
    return (field.least is None or field.least <= value) and (
        field.most is None or value <= field.most
    )


def _range(field: Field) -> str:
    if field.least is None and field.most is None:
        return ""
    if field.most is None:
        return f" at least {field.least:g}"
    return (
        f" at most {field.most:g}"
        if field.least is None
        else (f" from {field.least:g} to {field.most:g}")
    )


def _check_asset(value: Any, path: str, issues: Rejections) -> Any:
    """An id, a path, or a URL: whose image it is, is found out when the request is accepted."""
    return check_text(value, path, issues, most=MAX_ASSET_CHARS)


def _check_assets(entry: _Entry, value: Any, path: str, issues: Rejections) -> Any:
    if not isinstance(value, list) or not _within(entry.field, len(value)):
        issues.add(path, "type", f"must be a list of inputs,{_range(entry.field)}",
                   value=shown(value))  # fmt: skip
        return None
    return [_check_asset(one, f"{path}.{at}", issues) for at, one in enumerate(value)]


_CHECKS = {
    Kind.TEXT: _check_text,
    Kind.CHOICE: _check_choice,
    Kind.INTEGER: _check_number,
    Kind.NUMBER: _check_number,
    Kind.FLAG: _check_flag,
    Kind.ASSET: lambda _, value, path, issues: _check_asset(value, path, issues),
    Kind.ASSETS: _check_assets,
}


@dataclass(frozen=True, kw_only=True)
class Page:
    """One feature of one provider, as the upstream documents it. `conversation`: it wants the name
    of the feature as `conversationId` beside the promptObject. `doubt` says what is not known."""

    feature: str
    provider: str
    title: str
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...] = ()
    conversation: bool = False
    doubt: str | None = None

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        return {field.name: field for field in self.fields}

    def prompt_object(
        self, values: Mapping[str, Any], uploads: Mapping[str, str]
    ) -> dict[str, Any]:
        """As the upstream takes it. What was omitted stays omitted. `uploads` maps the ids of
        inputs to the paths that the upstream gave them."""
        return {
            field.wire: _to_wire(field, values[field.name], uploads)
            for field in self.fields
            if field.name in values
        }


def _to_wire(field: Field, value: Any, uploads: Mapping[str, str]) -> Any:
    if field.sent and value in field.choices:
        return field.sent[field.choices.index(value)]
    if field.kind is Kind.ASSET:
        return uploads.get(value, value)
    if field.kind is Kind.ASSETS:
        return [uploads.get(each, each) for each in value]
    return value
