"""How long 1min.ai takes to render a video. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

from app.domain.catalog.spec import Spec

#: For five seconds of 720p by ray-v3. The upstream's own sample took a little over seven minutes.
BASE_SECONDS = 420.0
JITTER = 0.08

#: Every other model takes as long as ray-v3.
MODEL_FACTORS: Mapping[str, float] = MappingProxyType(
    {
        "ray-v1": 0.85,
        "ray-v2": 0.75,
        "ray-v2-flash": 0.35,
        "ray-v3": 1.0,
        "ray-v3-reasoning": 1.4,
    }
)


def render_seconds(spec: Spec, uuid: UUID) -> float:
    """Real seconds, before `speed` divides them. The same for the same uuid and spec."""
    facts = spec.facts
    longer: float = 1.7 ** math.log2((facts.seconds or 5) / 5)
    larger = 1.5 if (facts.lines or 0) >= 1080 else 1.0
    jitter = 1 + JITTER * (2 * (uuid.int % 10_007) / 10_006 - 1)
    return BASE_SECONDS * MODEL_FACTORS.get(spec.model, 1.0) * longer * larger * jitter
