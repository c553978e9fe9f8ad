"""Everything that may be asked for: the seed's table, multiplied out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

#: None stands for a field that is left out.
OPTIONS: dict[str, tuple[Any, ...]] = {
    "modelName": ("ray-v1", "ray-v2", "ray-v2-flash", "ray-v3", "ray-v3-reasoning"),
    "duration": ("5s", "10s"),
    "aspectRatio": ("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21", None),
    "resolution": ("720p", "1080p", None),
    "loop": (True, False, None),
}


def request(prompt_object: dict[str, Any]) -> dict[str, Any]:
    return {"type": "TEXT_TO_VIDEO", "model": "luma", "promptObject": prompt_object}


def prompt_objects() -> Iterator[dict[str, Any]]:
    """Each combination once, with a prompt of its own."""
    for number, values in enumerate(itertools.product(*OPTIONS.values())):
        chosen = {
            name: value for name, value in zip(OPTIONS, values, strict=True) if value is not None
        }
        yield {"prompt": f"film {number}", **chosen}
