"""Small images of every kind, made for tests."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

ORIENTATION = 0x0112


def picture(
    kind: str = "PNG",
    size: tuple[int, int] = (640, 360),
    colour: tuple[int, int, int] = (200, 40, 40),
    *,
    orientation: int | None = None,
    **options: Any,
) -> bytes:
    """Of one colour, but for its top left pixel, which is white."""
    image = Image.new("RGB", size, colour)
    image.putpixel((0, 0), (255, 255, 255))
    if orientation is not None:
        exif = image.getexif()
        exif[ORIENTATION] = orientation
        options["exif"] = exif
    held = io.BytesIO()
    image.save(held, kind, **options)
    return held.getvalue()


def animated(kind: str) -> bytes:
    frames = [Image.new("RGB", (320, 320), (shade, 0, 0)) for shade in (0, 120, 240)]
    held = io.BytesIO()
    frames[0].save(held, kind, save_all=True, append_images=frames[1:], duration=100)
    return held.getvalue()
