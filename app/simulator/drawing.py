"""Draws flat colours through masks, directly on the planes of a yuv420p picture.

The encoder takes these planes as they are. Converting every frame from RGB would cost more than
encoding it.
"""

from __future__ import annotations

from dataclasses import dataclass

import av
from PIL import Image

Rgb = tuple[int, int, int]


def to_yuv(colour: Rgb) -> tuple[int, int, int]:
    """BT.601, limited range: 16 is black and 235 is white."""
    red, green, blue = colour
    luma = 16 + (65.738 * red + 129.057 * green + 25.064 * blue) / 256
    blueness = 128 + (-37.945 * red - 74.494 * green + 112.439 * blue) / 256
    redness = 128 + (112.439 * red - 94.154 * green - 18.285 * blue) / 256
    return round(luma), round(blueness), round(redness)


def even(value: float) -> int:
    """The nearest even number: a chroma sample covers two pixels."""
    return 2 * round(value / 2)


@dataclass(frozen=True, slots=True)
class Canvas:
    """Three planes. Their lines have the encoder's width, which may exceed the picture's."""

    luma: Image.Image
    blueness: Image.Image
    redness: Image.Image

    @classmethod
    def blank(cls, width: int, height: int) -> Canvas:
        planes = av.VideoFrame(width, height, "yuv420p").planes
        sizes = [(plane.line_size, plane.buffer_size // plane.line_size) for plane in planes]
        luma, blueness, redness = (Image.new("L", size, 128) for size in sizes)
        return cls(luma, blueness, redness)

    def copy(self) -> Canvas:
        return Canvas(self.luma.copy(), self.blueness.copy(), self.redness.copy())

    def fill(self, colour: Rgb, left: int, top: int, right: int, bottom: int) -> None:
        luma, blueness, redness = to_yuv(colour)
        half = (left // 2, top // 2, right // 2, bottom // 2)
        self.luma.paste(luma, (left, top, right, bottom))
        self.blueness.paste(blueness, half)
        self.redness.paste(redness, half)

    def to_frame(self, width: int, height: int) -> av.VideoFrame:
        frame = av.VideoFrame(width, height, "yuv420p")
        drawn = (self.luma, self.blueness, self.redness)
        for plane, image in zip(frame.planes, drawn, strict=True):
            plane.update(image.tobytes())
        return frame


class Sprite:
    """A colour and its mask. Positions are even numbers of pixels."""

    def __init__(self, colour: Rgb, mask: Image.Image) -> None:
        self.colour = to_yuv(colour)
        self.mask = mask
        self.half = mask.reduce(2)

    def draw(self, canvas: Canvas, left: int, top: int) -> None:
        luma, blueness, redness = self.colour
        corner, half = (left, top), (left // 2, top // 2)
        canvas.luma.paste(luma, corner, self.mask)
        canvas.blueness.paste(blueness, half, self.half)
        canvas.redness.paste(redness, half, self.half)

    def draw_part(self, canvas: Canvas, shift: int, width: int, top: int) -> None:
        """Draw a part of a long strip, from `shift` on, across the whole width of the picture."""
        luma, blueness, redness = self.colour
        mask = self.mask.crop((shift, 0, shift + width, self.mask.height))
        half = self.half.crop((shift // 2, 0, (shift + width) // 2, self.half.height))
        canvas.luma.paste(luma, (0, top), mask)
        canvas.blueness.paste(blueness, (0, top // 2), half)
        canvas.redness.paste(redness, (0, top // 2), half)
