"""How long a render takes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

from app.domain.generation import Duration, Resolution, Spec, VideoModel

#: A five second 720p ray-v3 clip: the upstream's own sample shows a little more than seven minutes.
SECONDS_IN_LIFE = 420.0
JITTER = 0.08

MODEL_PACE: Mapping[VideoModel, float] = MappingProxyType(
    {
        VideoModel.RAY_V1: 0.85,
        VideoModel.RAY_V2: 0.75,
        VideoModel.RAY_V2_FLASH: 0.35,
        VideoModel.RAY_V3: 1.0,
        VideoModel.RAY_V3_REASONING: 1.4,
    }
)


def life_seconds(spec: Spec, uuid: UUID) -> float:
    """Seconds in life, the same for the same uuid and spec."""
    longer = 1.7 if spec.duration is Duration.TEN_SECONDS else 1.0
    larger = 1.5 if spec.resolution is Resolution.P1080 else 1.0
    jitter = 1 + JITTER * (2 * (uuid.int % 10_007) / 10_006 - 1)
    return SECONDS_IN_LIFE * MODEL_PACE[spec.model] * longer * larger * jitter
