"""Luma, as the upstream's page of 2025-11-26 documents it: text to video."""

from __future__ import annotations

from datetime import date

from app.domain.catalog.models import Model
from app.domain.catalog.pages import Field, Kind, Page

_SOURCE = "1min.ai, Luma AI - Text to Video"
_AS_OF = date(2025, 11, 26)

TEXT_TO_VIDEO = Page(
    feature="TEXT_TO_VIDEO",
    provider="luma",
    fields=(
        Field(
            name="prompt", wire="prompt", kind=Kind.TEXT, required=True,
            help="What the video should show, in any language.",
        ),
        Field(
            name="version", wire="modelName", kind=Kind.CHOICE, required=True,
            choices=("ray-v1", "ray-v2", "ray-v2-flash", "ray-v3", "ray-v3-reasoning"),
            help="The model that makes the video.",
        ),
        Field(
            name="duration", wire="duration", kind=Kind.CHOICE, required=True,
            choices=("5s", "10s"),
            help="The length of the video.",
        ),
        Field(
            name="aspect_ratio", wire="aspectRatio", kind=Kind.CHOICE,
            choices=("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"),
            help="The shape of the video. Default: the upstream's choice, 16:9.",
        ),
        Field(
            name="resolution", wire="resolution", kind=Kind.CHOICE, choices=("720p", "1080p"),
            help="The height of the video in lines. Default: the upstream's choice, 720p.",
        ),
        Field(
            name="loop", wire="loop", kind=Kind.FLAG,
            help="Whether the video should loop seamlessly.",
        ),
    ),
)  # fmt: skip

MODELS = tuple(
    Model(id=version, page=TEXT_TO_VIDEO, fixed={"version": version}, source=_SOURCE, as_of=_AS_OF)
    for version in TEXT_TO_VIDEO.by_name["version"].choices
)
