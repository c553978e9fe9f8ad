"""Frame sizes of OpenAI's API, and the aspect ratio and resolution of each. Pure.

A size that is not offered becomes the nearest one of the same aspect ratio.
"""

from __future__ import annotations

import math
import re

from app.domain.generation import FRAME_SIZES, AspectRatio, Resolution

#: The largest difference between a size and an aspect ratio. 1024x1792 differs from 9:16 by 1.6 %.
MAX_RATIO_OFF = 0.035
#: The short sides, in pixels, that count as 720p and as 1080p.
_SHORT_SIDES = ((640, 899, Resolution.P720), (900, 1200, Resolution.P1080))
_SIZE = re.compile(r"([1-9][0-9]{1,4})[xX]([1-9][0-9]{1,4})")


def find_size(value: str, *, strict: bool) -> tuple[AspectRatio, Resolution] | None:
    """The aspect ratio and resolution of a size such as `1280x720`, or of an aspect ratio, which
    means 720p. Unless strict, also of a similar size. None if there is none."""
    if value in AspectRatio.__members__.values():
        return AspectRatio(value), Resolution.P720
    found = _SIZE.fullmatch(value)
    if found is None:
        return None
    size = int(found[1]), int(found[2])
    for options, exact in FRAME_SIZES.items():
        if exact == size:
            return options
    if strict:
        return None
    shape = math.log(size[0] / size[1])
    ratio = min(AspectRatio, key=lambda ratio: abs(_shape(ratio) - shape))
    if abs(math.expm1(_shape(ratio) - shape)) > MAX_RATIO_OFF:
        return None
    for least, most, resolution in _SHORT_SIDES:
        if least <= min(size) <= most:
            return ratio, resolution
    return None


def frame_size(ratio: AspectRatio | None, resolution: Resolution | None) -> tuple[int, int]:
    """Width and height in pixels. Omitted options mean 16:9 and 720p, as at the upstream."""
    return FRAME_SIZES[ratio or AspectRatio.WIDE, resolution or Resolution.P720]


def pixels(size: tuple[int, int]) -> str:
    """`1280x720`."""
    return f"{size[0]}x{size[1]}"


def _shape(ratio: AspectRatio) -> float:
    width, height = ratio.value.split(":")
    return math.log(int(width) / int(height))
