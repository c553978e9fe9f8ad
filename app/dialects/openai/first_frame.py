"""The image that a video begins with, in the requests of OpenAI's API. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain.catalog.pages import Field
from app.domain.options import OptionReader
from app.domain.text import shown

#: The two names of the image that a video begins with: OpenAI's own, and that of newer clients.
FIRST_FRAMES = ("input_reference", "image")


def first_frame(read: OptionReader, fields: Mapping[str, Any]) -> str | None:
    """The image, as the caller calls it: a URL, or the id of an input. `image_url` may be an object
    with a `url`, as in OpenAI's other APIs."""
    named = [name for name in FIRST_FRAMES if fields.get(name) not in (None, False, [])]
    if not named:
        return read.first_frame(None, FIRST_FRAMES[0])
    path, value = named[0], fields[named[0]]
    for name in named[1:]:
        read.issues.add(name, "value", f"is the same as {path}; leave one out",
                        value="(an image)")  # fmt: skip
    if isinstance(value, dict):
        known = [name for name in ("image_url", "url", "file_id") if value.get(name) is not None]
        if len(known) != 1 or len(value) > 1:
            read.issues.add(path, "value", "must have image_url or file_id, and nothing else",
                            value=shown(value), allowed=["image_url", "file_id"])  # fmt: skip
            return None
        path, value = f"{path}.{known[0]}", value[known[0]]
        if isinstance(value, dict):
            path, value = f"{path}.url", value.get("url")
    return read.first_frame("" if value is None else value, path)


def path_of(_: Field) -> str:
    """Where a request has the image."""
    return FIRST_FRAMES[0]
