"""Requests of Luma's text to video, in our words."""

from __future__ import annotations

from typing import Any

from app.domain.catalog import luma as family
from app.domain.catalog.catalog import BUILT_IN
from app.domain.catalog.spec import Spec

PAGE = BUILT_IN.pages["TEXT_TO_VIDEO", "luma"]
_FIELDS = family.TEXT_TO_VIDEO.by_name
MODELS = _FIELDS["version"].choices
DURATIONS = _FIELDS["duration"].choices
RATIOS = _FIELDS["aspect_ratio"].choices
RESOLUTIONS = _FIELDS["resolution"].choices


def luma(
    *, prompt: str = "a wave", model: str = "ray-v3", duration: str = "5s", **options: Any
) -> Spec:
    """Options that are None are left out."""
    values = {"prompt": prompt, "duration": duration, **options}
    ordered = {name: values[name] for name in _FIELDS if values.get(name) is not None}
    return Spec(model=model, values=ordered)
