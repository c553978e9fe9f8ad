"""Pika, as the upstream's pages document it: text, and images, to video. Effects and scenes are not
offered."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from app.domain.catalog.models import Model
from app.domain.catalog.pages import Field, Kind, Page

_AS_OF = date(2026, 3, 30)

_VERSION = Field(
    name="version", wire="task_type", kind=Kind.CHOICE, required=True,
    choices=("pika-v2-turbo", "pika-v2.1", "pika-v2.2"), help="The version of Pika.",
)  # fmt: skip
_NEGATIVE = Field(
    name="negative_prompt", wire="negative_prompt", kind=Kind.TEXT,
    help="What the video should not show.",
)  # fmt: skip
_OPTIONS = (
    Field(
        name="resolution", wire="resolution", kind=Kind.CHOICE, choices=("720p", "1080p"),
        help="The height of the video in lines.",
    ),
    Field(
        name="duration", wire="duration", kind=Kind.CHOICE, choices=("5s", "10s"), sent=(5, 10),
        help="The length of the video.",
    ),
    Field(
        name="seed", wire="seed", kind=Kind.INTEGER, least=0, most=2**32 - 1,
        help="The same seed and request give similar videos.",
    ),
)  # fmt: skip

TEXT_TO_VIDEO = Page(
    feature="TEXT_TO_VIDEO", provider="pika", title="Pika, text to video", conversation=True,
    fields=(
        _VERSION,
        Field(
            name="prompt", wire="prompt", kind=Kind.TEXT, required=True,
            help="What the video should show.",
        ),
        _NEGATIVE,
        Field(
            name="aspect_ratio", wire="aspect_ratio", kind=Kind.CHOICE,
            choices=("16:9", "9:16", "1:1", "4:5", "5:4", "3:2"),
            help="The shape of the video.",
        ),
        *_OPTIONS,
    ),
    doubt="The list of aspect ratios has only been seen in part: there may be more. The range of "
    "the seed is not documented.",
)  # fmt: skip
_FRAMES = "pika-v2.2-pikaframes"
IMAGE_TO_VIDEO = Page(
    feature="IMAGE_TO_VIDEO", provider="pika", title="Pika, image to video", conversation=True,
    fields=(
        replace(_VERSION, choices=(*_VERSION.choices, _FRAMES)),
        Field(
            name="image", wire="imageUrl", kind=Kind.ASSET, required=True,
            only_with={"version": _VERSION.choices}, help="The first frame: an uploaded image.",
        ),
        Field(
            name="frames", wire="imageUrls", kind=Kind.ASSETS, required=True, least=2, most=5,
            only_with={"version": (_FRAMES,)},
            help="The images that the video leads through, from its first frame to its last.",
        ),
        Field(name="prompt", wire="prompt", kind=Kind.TEXT, help="What the video should show."),
        _NEGATIVE, *_OPTIONS,
    ),
    doubt="The range of the seed is not documented. Nor is how many images pikaframes takes, and "
    "whether its price is for a second; its transitions are not offered.",
)  # fmt: skip

MODELS = (
    *(
        Model(
            id=version.replace("-v", "-"), page=TEXT_TO_VIDEO, fixed={"version": version},
            as_of=_AS_OF, source="1min.ai, Pika - Text to Video",
        )
        for version in _VERSION.choices
    ),
    *(
        Model(
            id=f"{version.replace('-v', '-')}-image", page=IMAGE_TO_VIDEO,
            fixed={"version": version}, text_model=version.replace("-v", "-"), as_of=_AS_OF,
            source="1min.ai, Pika - Image to Video",
        )
        for version in _VERSION.choices
    ),
    Model(
        id="pika-2.2-frames", page=IMAGE_TO_VIDEO, fixed={"version": _FRAMES},
        text_model="pika-2.2", as_of=_AS_OF, source="1min.ai, Pika - Image to Video",
        enabled=False, reason="How many images it takes, and what they cost, is not documented.",
    ),
)  # fmt: skip
