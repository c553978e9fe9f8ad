"""Kling, as the upstream's pages document it. The page of 3.0 and later has not been seen. An end
frame was on the first version of the page for images and is on none since: it is not offered."""

from __future__ import annotations

from datetime import date

from app.domain.catalog.models import Model
from app.domain.catalog.pages import Field, Kind, Page
from app.domain.catalog.rules import Rule, Source

_AS_OF = date(2026, 3, 30)
_CAMERA = ("default", "horizontal", "vertical", "zoom", "pan", "tilt", "roll")

_DURATION = Field(
    name="duration", wire="duration", kind=Kind.CHOICE, required=True, choices=("5s", "10s"),
    sent=(5, 10), help="The length of the video.",
)  # fmt: skip
_MODE = Field(
    name="mode", wire="mode", kind=Kind.CHOICE, required=True, choices=("std", "pro"),
    help="Standard or professional quality.",
)  # fmt: skip
_NEGATIVE = Field(
    name="negative_prompt", wire="negative_prompt", kind=Kind.TEXT,
    help="What the video should not show.",
)  # fmt: skip
_CAMERA_FIELDS = (
    Field(
        name="camera_control_type", wire="camera_control_type", kind=Kind.CHOICE, choices=_CAMERA,
        help="How the camera moves.",
    ),
    Field(
        name="camera_control_value", wire="camera_control_value", kind=Kind.NUMBER, least=-10,
        most=10, help="How far the camera moves.",
    ),
)  # fmt: skip


def _ratio(*, required: bool) -> Field:
    return Field(
        name="aspect_ratio", wire="aspect_ratio", kind=Kind.CHOICE, required=required,
        choices=("16:9", "9:16", "1:1"), help="The shape of the video.",
    )  # fmt: skip


def _cfg_scale(*, required: bool) -> Field:
    return Field(
        name="cfg_scale", wire="cfg_scale", kind=Kind.NUMBER, required=required, least=0, most=1,
        help="How closely the video follows the prompt.",
    )  # fmt: skip


def _version(*versions: str, required: bool) -> Field:
    return Field(
        name="version", wire="version", kind=Kind.CHOICE, required=required, choices=versions,
        help="The version of Kling.",
    )  # fmt: skip


_RULES = (
    Rule(
        when={"version": ("2.0", "2.5"), "mode": ("std",)}, field="mode",
        reason="must be pro for this version", source=Source.DOCUMENTED,
    ),
    Rule(
        when={"version": ("1.5",), "camera_control_type": _CAMERA}, field="camera_control_type",
        reason="is not for version 1.5", source=Source.DOCUMENTED,
    ),
)  # fmt: skip

TEXT_TO_VIDEO = Page(
    feature="TEXT_TO_VIDEO", provider="kling", title="Kling, text to video", conversation=True,
    doubt="Version 3.0 and later are documented on a page that has not been seen, with 3 to 15 "
    "seconds, and a resolution in place of the mode for 3.0 Omni: they are not offered.",
    fields=(
        Field(
            name="prompt", wire="prompt", kind=Kind.TEXT, required=True,
            help="What the video should show.",
        ),
        _DURATION, _MODE, _NEGATIVE, _ratio(required=False),
        _version("1.0", "1.5", "1.6", "2.0", "2.1-master", "2.5", required=False),
        _cfg_scale(required=False), *_CAMERA_FIELDS,
    ),
    rules=_RULES,
)  # fmt: skip
IMAGE_TO_VIDEO = Page(
    feature="IMAGE_TO_VIDEO", provider="kling", title="Kling, image to video",
    conversation=True,
    fields=(
        Field(
            name="image", wire="imageUrl", kind=Kind.ASSET, required=True,
            help="The first frame: an uploaded image.",
        ),
        Field(name="prompt", wire="prompt", kind=Kind.TEXT, help="What the video should show."),
        _DURATION, _ratio(required=True), _MODE,
        _version("1.0", "1.5", "1.6", "2.0", "2.1", "2.1-master", "2.5", required=True),
        _cfg_scale(required=True), _NEGATIVE, *_CAMERA_FIELDS,
    ),
    rules=_RULES,
)  # fmt: skip


def _defaults(version: str) -> dict[str, str]:
    return {"mode": "std" if version.startswith("1.") else "pro"}


MODELS = (
    *(
        Model(
            id=f"kling-{version}", page=TEXT_TO_VIDEO, fixed={"version": version},
            defaults=_defaults(version), as_of=_AS_OF, source="1min.ai, Kling - Text to Video",
        )
        for version in TEXT_TO_VIDEO.by_name["version"].choices
    ),
    Model(
        id="kling", page=TEXT_TO_VIDEO, defaults={"mode": "pro"}, as_of=_AS_OF,
        source="1min.ai, Kling - Text to Video", enabled=False,
        reason="The page does not say which version is made when none is named.",
    ),
    *(
        Model(
            id=f"kling-{version}-image", page=IMAGE_TO_VIDEO, fixed={"version": version},
            defaults={**_defaults(version), "aspect_ratio": "16:9", "cfg_scale": 0.5},
            text_model=None if version == "2.1" else f"kling-{version}", as_of=_AS_OF,
            source="1min.ai, Kling - Image to Video",
        )
        for version in IMAGE_TO_VIDEO.by_name["version"].choices
    ),
)  # fmt: skip
