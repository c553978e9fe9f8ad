"""Models whose makers have switched them off, as far as is known."""

from __future__ import annotations

from datetime import date

from app.domain.catalog.models import Model
from app.domain.catalog.pages import Field, Kind, Page

_AS_OF = date(2026, 3, 30)


def _sora(provider: str, title: str, *sizes: str) -> Page:
    return Page(
        feature="TEXT_TO_VIDEO", provider=provider, title=title, conversation=True,
        fields=(
            Field(
                name="prompt", wire="prompt", kind=Kind.TEXT, required=True,
                help="What the video should show.",
            ),
            Field(
                name="duration", wire="seconds", kind=Kind.CHOICE, required=True,
                choices=("4s", "8s", "12s"), sent=(4, 8, 12), help="The length of the video.",
            ),
            Field(
                name="size", wire="size", kind=Kind.CHOICE, required=True, choices=sizes,
                help="Width and height in pixels.",
            ),
        ),
        doubt="A reference image is documented and not offered.",
    )  # fmt: skip


LEONARDO_MOTION = Page(
    feature="IMAGE_TO_VIDEO", provider="leonardo-motion", title="Leonardo Motion",
    fields=(
        Field(
            name="image", wire="imageUrl", kind=Kind.ASSET, required=True,
            help="The first frame: an uploaded image.",
        ),
        Field(
            name="motion_strength", wire="motion_strength", kind=Kind.INTEGER, required=True,
            least=1, most=10, help="How much moves.",
        ),
    ),
)  # fmt: skip

MODELS = (
    *(
        Model(
            id=provider, page=_sora(provider, title, *sizes), defaults={"size": "720x1280"},
            as_of=_AS_OF, source="1min.ai, Sora - Text to Video", enabled=False,
            reason="OpenAI switched its API off on 2026-09-24.", retires_on=date(2026, 9, 24),
        )
        for provider, title, sizes in (
            ("sora-2", "Sora 2", ("720x1280", "1280x720")),
            ("sora-2-pro", "Sora 2 Pro", ("720x1280", "1280x720", "1024x1792", "1792x1024")),
        )
    ),
    Model(
        id="leonardo-motion-image", page=LEONARDO_MOTION, defaults={"motion_strength": 5},
        as_of=_AS_OF, source="1min.ai, Leonardo Motion", enabled=False,
        reason="Leonardo announced the end of Motion 1.0 for June 2026.",
        retires_on=date(2026, 6, 30),
    ),
)  # fmt: skip
