"""What the upstream makes through Qubico: Skyreels, and Hunyuan and Wan, whose pages have not been
seen. Of Wan 2.7 not even the id is known."""

from __future__ import annotations

from datetime import date

from app.domain.catalog.images import STRICT
from app.domain.catalog.models import Model
from app.domain.catalog.pages import Field, Kind, Page

_UNSEEN = "The page has not been seen: the fields are a guess from the model list."

SKYREELS = Page(
    feature="IMAGE_TO_VIDEO", provider="Qubico/skyreels", title="Skyreels, image to video",
    fields=(
        Field(
            name="image", wire="imageUrl", kind=Kind.ASSET, required=True, image=STRICT,
            help="The first frame: an uploaded image of at most 10 MB.",
        ),
        Field(
            name="prompt", wire="prompt", kind=Kind.TEXT, required=True,
            help="What the video should show.",
        ),
        Field(
            name="negative_prompt", wire="negative_prompt", kind=Kind.TEXT,
            help="What the video should not show.",
        ),
        Field(
            name="aspect_ratio", wire="aspect_ratio", kind=Kind.CHOICE,
            choices=("16:9", "9:16", "1:1"), help="The shape of the video.",
        ),
        Field(
            name="guidance_scale", wire="guidance_scale", kind=Kind.NUMBER, least=0, most=10,
            help="How closely the video follows the prompt.",
        ),
    ),
)  # fmt: skip


_PROMPT = Field(
    name="prompt", wire="prompt", kind=Kind.TEXT, required=True, help="What the video should show."
)
_IMAGE = Field(
    name="image", wire="imageUrl", kind=Kind.ASSET, required=True,
    help="The first frame: an uploaded image.",
)  # fmt: skip


def _unseen(provider: str, title: str, *kinds: str, more: str = "", image: bool = False) -> Page:
    return Page(
        feature="IMAGE_TO_VIDEO" if image else "TEXT_TO_VIDEO",
        provider=provider, title=title, doubt=_UNSEEN + more,
        fields=(
            *((_IMAGE,) if image else ()), _PROMPT,
            Field(
                name="version", wire="task_type", kind=Kind.CHOICE, required=True, choices=kinds,
                help="The kind of the model.",
            ),
        ),
    )  # fmt: skip


HUNYUAN = _unseen("Qubico/hunyuan", "Hunyuan, text to video", "txt2video", "fast-txt2video")
HUNYUAN_IMAGE = _unseen(
    "Qubico/hunyuan", "Hunyuan, image to video", "img2video-concat", "img2video-replace",
    image=True,
)  # fmt: skip
WAN = _unseen(
    "Qubico/wanx", "Wan, text to video", "txt2video-1.3b", "txt2video-14b", "wan22-txt2video-14b",
    more=" The same is true of Wan 2.7, whose id is not known, and of the kinds that begin with an "
    "image: they are not listed.",
)  # fmt: skip

MODELS = (
    Model(
        id="skyreels-image", page=SKYREELS, as_of=date(2026, 1, 31),
        source="1min.ai, Skyreels - Image to Video",
    ),
    *(
        Model(
            id=name, page=page, fixed={"version": kind}, as_of=date(2026, 3, 30),
            source="GET /models of 1min.ai", enabled=False, reason=_UNSEEN,
        )
        for page, kind, name in (
            (HUNYUAN, "txt2video", "hunyuan"), (HUNYUAN, "fast-txt2video", "hunyuan-fast"),
            (HUNYUAN_IMAGE, "img2video-concat", "hunyuan-concat-image"),
            (HUNYUAN_IMAGE, "img2video-replace", "hunyuan-replace-image"),
            (WAN, "txt2video-1.3b", "wan-2.1-1.3b"), (WAN, "txt2video-14b", "wan-2.1-14b"),
            (WAN, "wan22-txt2video-14b", "wan-2.2-14b"),
        )
    ),
)  # fmt: skip
