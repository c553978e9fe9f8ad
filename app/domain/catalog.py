"""The features that can be generated, with their options and prices. Pure.

Each feature has one entry in `OFFERS`: its name and provider at the upstream, its options, and the
Spec they make. Admission and lifecycle do not depend on the fields of a Spec.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from app.domain.generation import AspectRatio, Duration, Resolution, Spec, VideoModel
from app.errors import ConfigurationError, PriceUnknown, Rejections

#: The upstream documents no limit for prompts. This one limits the size of rows and log lines.
MAX_PROMPT_CHARS = 32_000
MAX_END_USER_CHARS = 256
_SHOWN_BITS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of a feature: `name` in our Spec, `wire` in the upstream's promptObject, `help`
    in the OpenAPI document."""

    name: str
    wire: str
    kind: type[str] | type[bool] | type[StrEnum]
    required: bool
    help: str

    @property
    def allowed(self) -> list[Any] | None:
        if issubclass(self.kind, StrEnum):
            return [member.value for member in self.kind]
        return [True, False] if self.kind is bool else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One feature of one provider, as the upstream's page for it documents."""

    feature: str
    provider: str
    options: tuple[Option, ...]

    @property
    def enumerations(self) -> list[type[StrEnum]]:
        return [o.kind for o in self.options if issubclass(o.kind, StrEnum)]

    def check(self, values: Mapping[str, Any], *, prefix: str, issues: Rejections) -> Spec | None:
        """The Spec of a promptObject; None if there are issues. Adds them to `issues`, with
        `prefix` before their field names."""
        before = len(issues.issues)
        under = f"{prefix}." if prefix else ""
        known = {option.wire: option for option in self.options}
        for wire in values:
            if issues.full:
                break
            if wire not in known:
                issues.add(
                    f"{under}{shown(wire)}",
                    "unknown",
                    f"unknown field; allowed fields are {', '.join(known)}",
                    value=shown(values[wire]),
                    allowed=list(known),
                )
        chosen: dict[str, Any] = {}
        for option in self.options:
            path = f"{under}{option.wire}"
            if option.wire in values:
                chosen[option.name] = _check_option(option, values[option.wire], path, issues)
            elif option.required:
                issues.add(path, "missing", "this field is required", allowed=option.allowed)
        return None if len(issues.issues) > before else Spec(**chosen)

    def wire(self, spec: Spec) -> dict[str, Any]:
        """The promptObject of a Spec. Options that were omitted stay omitted."""
        stored = spec.to_json()
        return {o.wire: stored[o.name] for o in self.options if o.name in stored}


def shown(value: Any) -> Any:
    """A value as errors may show it: short, and never a nested document."""
    if isinstance(value, str):
        short = value if len(value) <= 80 else value[:77] + "..."
        return short.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\\u0000")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and value.bit_length() > _SHOWN_BITS:
        return "(a very large number)"
    if value is None or isinstance(value, bool | int | float):
        return value
    return f"({type(value).__name__})"


def _check_option(option: Option, value: Any, path: str, issues: Rejections) -> Any:
    if option.kind is bool:
        if isinstance(value, bool):
            return value
        issues.add(
            path, "type", "must be true or false", value=shown(value), allowed=option.allowed
        )
    elif issubclass(option.kind, StrEnum):
        if isinstance(value, str) and value in option.kind.__members__.values():
            return option.kind(value)
        names = ", ".join(str(choice) for choice in option.allowed or ())
        issues.add(path, "value", f"must be one of {names}", value=shown(value),
                   allowed=option.allowed)  # fmt: skip
    else:
        return check_text(value, path, issues)
    return None


def check_text(
    value: Any, path: str, issues: Rejections, *, most: int = MAX_PROMPT_CHARS
) -> str | None:
    """The text if it is valid: not empty, at most `most` characters, and storable. Otherwise None,
    and the issue is added at `path`."""
    if not isinstance(value, str):
        issues.add(path, "type", "must be a string", value=shown(value))
    elif not value.strip():
        issues.add(path, "value", "must not be empty", value=shown(value))
    elif len(value) > most:
        issues.add(path, "value", f"must be at most {most} characters long, "
                   f"this is {len(value)}", value=shown(value))  # fmt: skip
    elif not is_storable(value):
        issues.add(path, "value", "must not contain NUL or unpaired surrogate characters",
                   value=shown(value))  # fmt: skip
    else:
        return value
    return None


def is_storable(text: str) -> bool:
    """Whether Postgres can store it, and UTF-8 can say it."""
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


LUMA_TEXT_TO_VIDEO = Offer(
    feature="TEXT_TO_VIDEO",
    provider="luma",
    options=(
        Option(
            name="prompt", wire="prompt", kind=str, required=True,
            help="What the video should show, in any language.",
        ),
        Option(
            name="model", wire="modelName", kind=VideoModel, required=True,
            help="The model that makes the video.",
        ),
        Option(
            name="duration", wire="duration", kind=Duration, required=True,
            help="The length of the video.",
        ),
        Option(
            name="aspect_ratio", wire="aspectRatio", kind=AspectRatio, required=False,
            help="The shape of the video. Default: the upstream's choice, 16:9.",
        ),
        Option(
            name="resolution", wire="resolution", kind=Resolution, required=False,
            help="The height of the video in lines. Default: the upstream's choice, 720p.",
        ),
        Option(
            name="loop", wire="loop", kind=bool, required=False,
            help="Whether the video should loop seamlessly.",
        ),
    ),
)  # fmt: skip

OFFERS: Mapping[tuple[str, str], Offer] = MappingProxyType(
    {(offer.feature, offer.provider): offer for offer in (LUMA_TEXT_TO_VIDEO,)}
)


def check_match(values: Mapping[str, Any], prefix: str, issues: Rejections) -> dict[str, Any]:
    """The values that a price matches: a model, and any of its options that are not free text, by
    their names in a Spec. Adds what is wrong to `issues`, under `prefix`."""
    if "model" not in values:
        issues.add(f"{prefix}.model", "missing", "this field is required", allowed=_models())
        return {}
    model = values["model"]
    offer = next((one for one in OFFERS.values() if model in _models(one)), None)
    if offer is None:
        allowed = _models()
        issues.add(f"{prefix}.model", "value", f"must be one of {', '.join(allowed)}",
                   value=shown(model), allowed=allowed)  # fmt: skip
        return {}
    known = {option.name: option for option in offer.options if option.kind is not str}
    for name, value in values.items():
        path = f"{prefix}.{shown(name)}"
        if name in known:
            _check_option(known[name], value, path, issues)
        else:
            issues.add(path, "unknown", f"unknown field; allowed fields are {', '.join(known)}",
                       value=shown(value), allowed=list(known))  # fmt: skip
    return dict(values)


def _models(*offers: Offer) -> list[str]:
    """Those of these offers; of all, if none is given."""
    return [
        model
        for offer in offers or OFFERS.values()
        for option in offer.options
        if option.name == "model"
        for model in option.allowed or ()
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A row of the price table. None matches any value. The first row that matches is the price."""

    feature: str
    provider: str
    credits: int
    as_of: date
    source: str
    model: str | None = None
    duration: str | None = None
    resolution: str | None = None

    def covers(self, offer: Offer, spec: Spec) -> bool:
        options = spec.to_json()
        return (self.feature, self.provider) == (offer.feature, offer.provider) and all(
            wanted is None or options.get(name) == wanted
            for name, wanted in (
                ("model", self.model),
                ("duration", self.duration),
                ("resolution", self.resolution),
            )
        )


@dataclass(frozen=True, slots=True)
class PriceTable:
    rows: tuple[Price, ...]

    @classmethod
    def parse(cls, document: Mapping[str, Any], *, origin: str) -> PriceTable:
        """The rows of a TOML document with `[[price]]` tables. Raises `ConfigurationError`, which
        names the invalid row."""
        rows: list[Price] = []
        entries: Iterable[Any] = document.get("price", ())
        for number, entry in enumerate(entries, start=1):
            try:
                price = Price(**entry)
            except TypeError as error:
                raise ConfigurationError(f"{origin}: price {number}: {error}.") from None
            if (
                not isinstance(price.credits, int)
                or isinstance(price.credits, bool)
                or price.credits <= 0
            ):
                raise ConfigurationError(
                    f"{origin}: price {number}: credits must be a whole number above 0."
                )
            rows.append(price)
        if not rows:
            raise ConfigurationError(f"{origin}: it needs at least one [[price]] row.")
        return cls(tuple(rows))

    def quote(self, offer: Offer, spec: Spec) -> int:
        """The credits that this Spec is expected to cost, never 0. Raises `PriceUnknown`."""
        for price in self.rows:
            if price.covers(offer, spec):
                return price.credits
        raise PriceUnknown(
            f"No price is configured for {offer.provider} {spec.model}, {spec.duration}, "
            f"{spec.resolution or 'default resolution'}; an operator can add one to the price file."
        )
