"""How long 1min.ai takes to render a video. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

from app.domain.generation import Duration, Resolution, Spec, VideoModel

#: For five seconds of 720p by ray-v3. The upstream's own sample took a little over seven minutes.
BASE_SECONDS = 420.0
JITTER = 0.08

MODEL_FACTORS: Mapping[VideoModel, float] = MappingProxyType(
    {
        VideoModel.RAY_V1: 0.85,
        VideoModel.RAY_V2: 0.75,
        VideoModel.RAY_V2_FLASH: 0.35,
        VideoModel.RAY_V3: 1.0,
        VideoModel.RAY_V3_REASONING: 1.4,
    }
)


def render_seconds(spec: Spec, uuid: UUID) -> float:
    """Real seconds, before `speed` divides them. The same for the same uuid and spec."""
    longer = 1.7 if spec.duration is Duration.TEN_SECONDS else 1.0
    larger = 1.5 if spec.resolution is Resolution.P1080 else 1.0
    jitter = 1 + JITTER * (2 * (uuid.int % 10_007) / 10_006 - 1)
    return BASE_SECONDS * MODEL_FACTORS[spec.model] * longer * larger * jitter
