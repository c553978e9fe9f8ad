"""Luma, as the upstream's pages document it."""

from __future__ import annotations

from datetime import date

from app.domain.catalog.models import Model
from app.domain.catalog.pages import Field, Kind, Page
from app.domain.catalog.rules import Rule, Source

_AS_OF = date(2025, 11, 26)

_PROMPT = Field(
    name="prompt", wire="prompt", kind=Kind.TEXT, required=True,
    help="What the video should show, in any language.",
)  # fmt: skip
_OPTIONS = (
    Field(
        name="version", wire="modelName", kind=Kind.CHOICE, required=True,
        choices=("ray-v1", "ray-v2", "ray-v2-flash", "ray-v3", "ray-v3-reasoning"),
        help="The model that makes the video.",
    ),
    Field(
        name="duration", wire="duration", kind=Kind.CHOICE, required=True, choices=("5s", "10s"),
        help="The length of the video.",
    ),
    Field(
        name="aspect_ratio", wire="aspectRatio", kind=Kind.CHOICE,
        choices=("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"),
        help="The shape of the video. Default: the upstream's choice. The provider behind it "
        "documents 9:16.",
    ),
    Field(
        name="resolution", wire="resolution", kind=Kind.CHOICE, choices=("720p", "1080p"),
        help="The height of the video in lines. Default: the upstream's choice. The provider "
        "behind it documents 720p.",
    ),
    Field(
        name="loop", wire="loop", kind=Kind.FLAG,
        help="Whether the video should loop seamlessly.",
    ),
)  # fmt: skip
#: What https://ttapi.io/docs/apiReference/luma says, the provider that the upstream's model list
#: names. The upstream may do it in another way.
_RULES = (
    Rule(
        when={"duration": ("10s",), "resolution": ("1080p",)}, field="resolution",
        reason="the provider makes 10s only at 720p", source=Source.INFERRED, flagged=True,
    ),
    Rule(
        when={"aspect_ratio": ("9:21",)}, field="aspect_ratio",
        reason="the provider does not list 9:21", source=Source.INFERRED, flagged=True,
    ),
    Rule(
        when={"aspect_ratio": (None,)}, field="aspect_ratio",
        reason="is left out, which means 9:16 at the provider", source=Source.INFERRED,
        flagged=True,
    ),
)  # fmt: skip

TEXT_TO_VIDEO = Page(
    feature="TEXT_TO_VIDEO", provider="luma", title="Luma, text to video",
    fields=(_PROMPT, *_OPTIONS), rules=_RULES,
)  # fmt: skip
IMAGE_TO_VIDEO = Page(
    feature="IMAGE_TO_VIDEO", provider="luma", title="Luma, image to video",
    fields=(
        Field(
            name="image", wire="imageUrl", kind=Kind.ASSET, required=True,
            help="The first frame: an uploaded image.",
        ),
        _PROMPT, *_OPTIONS,
    ),
    rules=tuple(rule for rule in _RULES if None not in rule.when.get("aspect_ratio", ())),
)  # fmt: skip

_VERSIONS = TEXT_TO_VIDEO.by_name["version"].choices
MODELS = (
    *(
        Model(
            id=version, page=TEXT_TO_VIDEO, fixed={"version": version}, as_of=_AS_OF,
            source="1min.ai, Luma AI - Text to Video",
        )
        for version in _VERSIONS
    ),
    *(
        Model(
            id=f"{version}-image", page=IMAGE_TO_VIDEO, fixed={"version": version},
            text_model=version, as_of=_AS_OF, source="1min.ai, Luma AI - Image to Video",

        )
        for version in _VERSIONS
    ),
)  # fmt: skip
