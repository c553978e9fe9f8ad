"""The signed links that an answer gives. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Links to a video and to its thumbnail. Each opens nothing else."""

    video: str = field(repr=False)
    thumbnail: str = field(repr=False)
