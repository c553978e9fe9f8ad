"""Reads an uploaded image: what it is, by decoding all of it. Both functions run in a process of
their own, behind `app.videos.decoder`.

The type is what the bytes are, whatever their name or their sender says. Bytes after the end of an
image are no part of it: cameras put films and previews there.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from app.domain.inputs import FORMATS, MAX_PIXELS, MAX_SIDE, Image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.ImageFile import ImageFile

#: Pillow's name of a format → its content type. MPO is a JPEG with previews behind it.
_CONTENT_TYPES = {
    "PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg", "WEBP": "image/webp",
}  # fmt: skip
_ORIENTATION = 0x0112
#: Of what is written anew because it has to be turned.
_QUALITY = 92


class NotAnImage(Exception):
    """The file is no image that a video can be made of. The message ends a sentence."""


def inspect(file: BinaryIO) -> Image:
    """Raises `NotAnImage`, and `OSError` if the file cannot be read."""
    with _opened(file) as image:
        width, height = image.size
        orientation = _orientation(image)
        if orientation in (5, 6, 7, 8):
            width, height = height, width
        return Image(
            content_type=_CONTENT_TYPES[image.format or ""],
            width=width,
            height=height,
            turned=orientation != 1,
        )


def upright(file: BinaryIO) -> bytes:
    """The image as it is shown, in the same format and without metadata. Raises what `inspect`
    raises."""
    from PIL import ImageOps

    with _opened(file) as image:
        kind = "JPEG" if image.format == "MPO" else image.format
        turned = ImageOps.exif_transpose(image)
        held = io.BytesIO()
        options = {} if kind == "PNG" else {"quality": _QUALITY}
        profile = image.info.get("icc_profile")
        if profile is not None:
            options["icc_profile"] = profile
        turned.info.clear()
        turned.save(held, kind, **options)
    return held.getvalue()


def samples() -> list[BinaryIO]:
    """One small image of each format, to load what reading one loads."""
    # Pillow loads this one only for a JPEG that is one.
    from PIL import Image as Pillow
    from PIL import MpoImagePlugin as MpoImagePlugin

    made: list[BinaryIO] = []
    for kind in ("PNG", "JPEG", "WEBP"):
        held = io.BytesIO()
        picture = Pillow.new("RGB", (2, 1))
        exif = picture.getexif()
        exif[_ORIENTATION] = 6
        picture.save(held, kind, exif=exif)
        made.append(held)
    return made


@contextmanager
def _opened(file: BinaryIO) -> Iterator[ImageFile]:
    """The image with all of its pixels decoded."""
    from PIL import Image as Pillow
    from PIL import UnidentifiedImageError

    # Its own limit is a warning first.
    Pillow.MAX_IMAGE_PIXELS = None
    try:
        file.seek(0)
        with Pillow.open(file, formats=("PNG", "JPEG", "WEBP")) as image:
            width, height = image.size
            if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
                raise NotAnImage(
                    f"it has {width}x{height} pixels; at most {MAX_PIXELS} are read, "
                    f"and {MAX_SIDE} on a side"
                )
            if image.format != "MPO" and getattr(image, "is_animated", False):
                raise NotAnImage("it is animated; a still image is needed")
            image.load()
            yield image
    except (NotAnImage, MemoryError):
        raise
    except UnidentifiedImageError:
        raise NotAnImage(f"it is none of {', '.join(FORMATS)}") from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise NotAnImage("it is damaged or cut short") from None
    except Exception:
        # Damaged files make the library raise nearly anything.
        raise NotAnImage("it is damaged or cut short") from None


def _orientation(image: ImageFile) -> int:
    """As Exif counts it; 1 is upright, as is what nobody can read."""
    try:
        found = image.getexif().get(_ORIENTATION, 1)
    except Exception:
        return 1
    return found if found in range(1, 9) else 1
