"""Veo, as the upstream's pages document it. They and the model list name it differently."""

from __future__ import annotations

from datetime import date

from app.domain.catalog.models import Model
from app.domain.catalog.pages import Field, Kind, Page

_AS_OF = date(2026, 3, 30)
_NAME = (
    "The pages call the model veo3, the model list and a sample veo3-video: which one is accepted "
    "is not known."
)

_PROMPT = Field(
    name="prompt", wire="prompt", kind=Kind.TEXT, required=True, help="What the video should show."
)
_OPTIONS = (
    Field(
        name="version", wire="task_type", kind=Kind.CHOICE,
        choices=("veo3-video", "veo3-video-fast", "veo3.1-video", "veo3.1-video-fast"),
        help="The version of Veo.",
    ),
    Field(
        name="generate_audio", wire="generate_audio", kind=Kind.FLAG,
        help="Whether the video should have sound.",
    ),
    Field(
        name="aspect_ratio", wire="aspect_ratio", kind=Kind.CHOICE,
        choices=("16:9", "9:16", "1:1"), help="The shape of the video.",
    ),
    Field(
        name="duration", wire="veo3_duration", kind=Kind.CHOICE, choices=("8s",),
        help="The length of the video.",
    ),
)  # fmt: skip


_REFERENCES = Field(
    name="reference_images", wire="reference_image_urls", kind=Kind.ASSETS, least=1, most=3,
    only_with={"duration": ("8s",), "aspect_ratio": ("16:9",)},
    help="What the video should look like: up to three uploaded images.",
)  # fmt: skip


def _resolution(default: str) -> Field:
    return Field(
        name="resolution", wire="resolution", kind=Kind.CHOICE, choices=("720p", "1080p"),
        default=default, help="The height of the video in lines.",
    )  # fmt: skip


TEXT_TO_VIDEO = Page(
    feature="TEXT_TO_VIDEO", provider="veo3-video", title="Veo, text to video",
    fields=(
        _PROMPT,
        Field(
            name="negative_prompt", wire="negativePrompt", kind=Kind.TEXT,
            help="What the video should not show.",
        ),
        *_OPTIONS, _resolution("720p"), _REFERENCES,
    ),
    doubt=_NAME,
)  # fmt: skip
IMAGE_TO_VIDEO = Page(
    feature="IMAGE_TO_VIDEO", provider="veo3-video", title="Veo, image to video",
    fields=(
        Field(
            name="image", wire="imageUrl", kind=Kind.ASSET, required=True,
            help="The first frame: an uploaded image.",
        ),
        _PROMPT, *_OPTIONS, _resolution("1080p"),
        Field(
            name="tail_image", wire="tail_image_url", kind=Kind.ASSET,
            help="The last frame: an uploaded image.",
        ),
        _REFERENCES,
    ),
    doubt=_NAME,
)  # fmt: skip

_IDS = {"veo3-video": "veo-3", "veo3-video-fast": "veo-3-fast", "veo3.1-video": "veo-3.1",
        "veo3.1-video-fast": "veo-3.1-fast"}  # fmt: skip
MODELS = (
    *(
        Model(
            id=name, page=TEXT_TO_VIDEO, fixed={"version": version}, as_of=_AS_OF,
            source="1min.ai, Veo 3 - Text to Video", enabled=False, reason=_NAME,
        )
        for version, name in _IDS.items()
    ),
    *(
        Model(
            id=f"{name}-image", page=IMAGE_TO_VIDEO, fixed={"version": version}, text_model=name,
            as_of=_AS_OF, source="1min.ai, Veo 3 - Image to Video", enabled=False, reason=_NAME,
        )
        for version, name in _IDS.items()
    ),
)  # fmt: skip
