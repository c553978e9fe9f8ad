"""Models at Replicate, by the upstream's earlier pages, which have a sample each and no ranges."""

from __future__ import annotations

from datetime import date

from app.domain.catalog.models import Model
from app.domain.catalog.pages import Field, Kind, Page

_AS_OF = date(2025, 3, 20)
_SAMPLE_ALONE = (
    "The page has one sample: which other values are accepted, and which fields are required, is "
    "not known."
)

_PROMPT = Field(
    name="prompt", wire="prompt", kind=Kind.TEXT, required=True, help="What the video should show."
)

ANIMATE_DIFF = Page(
    feature="TEXT_TO_VIDEO",
    provider="lucataco/animate-diff:"
    "beecf59c4aee8d81bf04f0381033dfa10dc16e845b4ae00d281e2fa377e48a9f",
    title="AnimateDiff, text to video", doubt=_SAMPLE_ALONE,
    fields=(
        _PROMPT,
        Field(
            name="base_model", wire="path", kind=Kind.CHOICE,
            choices=("toonyou_beta3.safetensors",), help="The model of the pictures.",
        ),
        Field(
            name="negative_prompt", wire="n_prompt", kind=Kind.TEXT,
            help="What the video should not show.",
        ),
        Field(
            name="guidance_scale", wire="guidance_scale", kind=Kind.NUMBER,
            help="How closely the video follows the prompt. In the sample: 7.5.",
        ),
        Field(
            name="motion_module", wire="motion_module", kind=Kind.CHOICE,
            choices=("mm_sd_v15_v2",), help="The model of the motion.",
        ),
        Field(
            name="seed", wire="seed", kind=Kind.INTEGER,
            help="The same seed and request give similar videos. In the sample: 0.",
        ),
        Field(
            name="steps", wire="steps", kind=Kind.INTEGER,
            help="How often the picture is refined. In the sample: 25.",
        ),
    ),
)  # fmt: skip
DAMO = Page(
    feature="TEXT_TO_VIDEO",
    provider="cjwbw/damo-text-to-video:"
    "1e205ea73084bd17a0a3b43396e49ba0d6bc2e754e9283b2df49fad2dcf95755",
    title="TongYi (DAMO), text to video", doubt=_SAMPLE_ALONE,
    fields=(
        _PROMPT,
        Field(
            name="frames", wire="num_frames", kind=Kind.INTEGER,
            help="How many frames the video has. In the sample: 50.",
        ),
        Field(
            name="fps", wire="fps", kind=Kind.INTEGER,
            help="Frames a second. In the sample: 8.",
        ),
        Field(
            name="steps", wire="num_inference_steps", kind=Kind.INTEGER,
            help="How often the picture is refined. In the sample: 50.",
        ),
    ),
)  # fmt: skip

MODELS = (
    Model(
        id="animate-diff", page=ANIMATE_DIFF, as_of=_AS_OF, enabled=False, reason=_SAMPLE_ALONE,
        defaults={
            "base_model": "toonyou_beta3.safetensors", "guidance_scale": 7.5,
            "motion_module": "mm_sd_v15_v2", "seed": 0, "steps": 25,
        },
        source="1min.ai, AnimateDiff - Text to Video",
    ),
    Model(
        id="damo", page=DAMO, as_of=_AS_OF, enabled=False, reason=_SAMPLE_ALONE,
        defaults={"frames": 50, "fps": 8, "steps": 50}, source="1min.ai, TongYi - Text to Video",
    ),
)  # fmt: skip
