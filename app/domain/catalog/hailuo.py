"""Hailuo, as the upstream's pages document it."""

from __future__ import annotations

from datetime import date

from app.domain.catalog.images import STRICT
from app.domain.catalog.models import Model
from app.domain.catalog.pages import Field, Kind, Page
from app.domain.catalog.rules import Rule, Source

_AS_OF = date(2026, 3, 30)


def _prompt(*, required: bool) -> Field:
    return Field(
        name="prompt", wire="prompt", kind=Kind.TEXT, required=required, most=2000,
        help="What the video should show.",
    )  # fmt: skip


def _version(*kinds: str) -> Field:
    return Field(
        name="version", wire="taskType", kind=Kind.CHOICE, required=True, choices=kinds,
        help="The kind of Hailuo.",
    )  # fmt: skip


_OPTIONS = (
    Field(
        name="duration", wire="duration", kind=Kind.CHOICE, choices=("6s", "10s"), sent=(6, 10),
        help="The length of the video.",
    ),
    Field(
        name="resolution", wire="resolution", kind=Kind.CHOICE, choices=("768p", "1080p"),
        sent=(768, 1080), help="The height of the video in lines.",
    ),
    Field(
        name="expand_prompt", wire="expand_prompt", kind=Kind.FLAG,
        help="Whether the prompt may be extended.",
    ),
)  # fmt: skip
_SECOND = ("t2v-02", "i2v-02")
_RULES = (
    Rule(
        when={"duration": ("10s",), "resolution": ("1080p",)}, field="resolution",
        reason="must be 768p for 10s", source=Source.DOCUMENTED,
    ),
    Rule(
        when={"version": _SECOND, "duration": (None,)}, field="duration",
        reason="this field is required for this model", source=Source.DOCUMENTED,
    ),
    Rule(
        when={"version": _SECOND, "resolution": (None,)}, field="resolution",
        reason="this field is required for this model", source=Source.DOCUMENTED,
    ),
)  # fmt: skip

TEXT_TO_VIDEO = Page(
    feature="TEXT_TO_VIDEO", provider="hailuo", title="Hailuo, text to video",
    fields=(
        _prompt(required=True), _version("t2v-02", "t2v-01", "t2v-01-director"), *_OPTIONS,
    ),
    rules=_RULES,
)  # fmt: skip
IMAGE_TO_VIDEO = Page(
    feature="IMAGE_TO_VIDEO", provider="hailuo", title="Hailuo, image to video",
    fields=(
        Field(
            name="image", wire="imageUrl", kind=Kind.ASSET, required=True, image=STRICT,
            help="The first frame: an uploaded image, JPEG or PNG, of at most 10 MB.",
        ),
        _version("i2v-02", "i2v-01", "i2v-01-director", "i2v-01-live"),
        _prompt(required=False), *_OPTIONS,
    ),
    rules=_RULES,
)  # fmt: skip

_SECONDS_AND_LINES = {"duration": "6s", "resolution": "768p"}
MODELS = (
    *(
        Model(
            id=f"hailuo-{version.removeprefix('t2v-')}", page=TEXT_TO_VIDEO,
            fixed={"version": version},
            defaults=_SECONDS_AND_LINES if version in _SECOND else {}, as_of=_AS_OF,
            source="1min.ai, Hailuo - Text to Video",
        )
        for version in TEXT_TO_VIDEO.by_name["version"].choices
    ),
    *(
        Model(
            id=f"hailuo-{version.removeprefix('i2v-')}-image", page=IMAGE_TO_VIDEO,
            fixed={"version": version},
            defaults=_SECONDS_AND_LINES if version in _SECOND else {},
            text_model=None if version == "i2v-01-live" else f"hailuo-{version[4:]}",
            as_of=_AS_OF, source="1min.ai, Hailuo - Image to Video",
        )
        for version in IMAGE_TO_VIDEO.by_name["version"].choices
    ),
)  # fmt: skip
