"""Frame sizes of OpenAI's API, and the aspect ratio and resolution of each. Pure.

A size that is not offered becomes the nearest one of the same aspect ratio.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from app.domain.catalog.models import Offered
from app.domain.catalog.spec import frame_size, ratio_of

#: The shape and the lines of a frame.
Frame = tuple[tuple[int, int], int]

#: OpenAI's own default.
DEFAULT_FRAME: Frame = ((9, 16), 720)
#: Where the upstream was left to choose: as in its sample.
USUAL_FRAME: Frame = ((16, 9), 720)
#: The largest difference between a size and an aspect ratio. 1024x1792 differs from 9:16 by 1.6 %.
MAX_RATIO_OFF = 0.035
#: The short sides, in pixels, that count as 720p and as 1080p.
_SHORT_SIDES = ((640, 899, 720), (900, 1200, 1080))
_SIZE = re.compile(r"([1-9][0-9]{1,4})[xX]([1-9][0-9]{1,4})")


def frames(offered: Offered) -> list[Frame]:
    """Every frame that is offered; with OpenAI's own lines where there is no choice of them."""
    ratios = [ratio for word in offered.aspect_ratios if (ratio := ratio_of(word)) is not None]
    return [(ratio, lines) for ratio in ratios for lines in offered.lines or (DEFAULT_FRAME[1],)]


def find_size(value: str, made: Sequence[Frame], *, strict: bool) -> Frame | None:
    """The frame of a size such as `1280x720`, or of an aspect ratio, which means 720p. Unless
    strict, also of a similar size. None if there is none."""
    ratio = ratio_of(value)
    if ratio is not None:
        return next((frame for frame in made if frame[0] == ratio), None)
    found = _SIZE.fullmatch(value)
    if found is None:
        return None
    size = int(found[1]), int(found[2])
    for frame in made:
        if frame_size(*frame) == size:
            return frame
    if strict or not made:
        return None
    shape = math.log(size[0] / size[1])
    ratio = min((each for each, _ in made), key=lambda each: abs(_shape(each) - shape))
    if abs(math.expm1(_shape(ratio) - shape)) > MAX_RATIO_OFF:
        return None
    for least, most, lines in _SHORT_SIDES:
        if least <= min(size) <= most and (ratio, lines) in made:
            return ratio, lines
    return None


def pixels(size: tuple[int, int]) -> str:
    """`1280x720`."""
    return f"{size[0]}x{size[1]}"


def _shape(ratio: tuple[int, int]) -> float:
    return math.log(ratio[0] / ratio[1])
