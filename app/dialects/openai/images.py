"""The images that a video is made of, in the requests of OpenAI's API. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain.options import Named, OptionReader
from app.domain.text import shown

#: The two names of the image that a video begins with: OpenAI's own, and that of newer clients.
FIRST_FRAMES = ("input_reference", "image")
#: Of newer clients alone.
LAST_FRAME, REFERENCES = "last_frame", "reference_images"
#: More than any model takes.
_MOST_REFERENCES = 20


def images(read: OptionReader, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The images that a video is to begin with, to end with and to be like: each a URL, or the id
    of an input. `image_url` may be an object with a `url`, as in OpenAI's other APIs."""
    named = [name for name in FIRST_FRAMES if fields.get(name) not in (None, False, [])]
    for name in named[1:]:
        read.issues.add(name, "value", f"is the same as {named[0]}; leave one out",
                        value="(an image)")  # fmt: skip
    first = _named(read, fields[named[0]], named[0]) if named else Named(None, FIRST_FRAMES[0])
    last, references = fields.get(LAST_FRAME), fields.get(REFERENCES) or []
    if not isinstance(references, list):
        read.issues.add(REFERENCES, "type", "must be a list", value=shown(references))
        references = []
    return read.images(
        first, None if last is None else _named(read, last, LAST_FRAME),
        [_named(read, each, f"{REFERENCES}.{at}")
         for at, each in enumerate(references[:_MOST_REFERENCES])],
    )  # fmt: skip


def _named(read: OptionReader, value: Any, path: str) -> Named:
    if isinstance(value, dict):
        known = [name for name in ("image_url", "url", "file_id") if value.get(name) is not None]
        if len(known) != 1 or len(value) > 1:
            read.issues.add(path, "value", "must have image_url or file_id, and nothing else",
                            value=shown(value), allowed=["image_url", "file_id"])  # fmt: skip
            return Named(None, path)
        path, value = f"{path}.{known[0]}", value[known[0]]
        if isinstance(value, dict):
            path, value = f"{path}.url", value.get("url")
    return Named("" if value is None else value, path)
