"""Draws the prompt into the picture: wrapped to fit, and safe with any character."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from app.simulator.drawing import even

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

FONT_FILES = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial.ttf", "arial.ttf")
MAX_LINES = 5
MAX_DRAWN_CHARS = 400


@cache
def font_of(size: int) -> Font:
    """A system font, which covers many scripts; Pillow's own font where there is none."""
    for name in FONT_FILES:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


def drawable(text: str) -> str:
    """Replace what has no glyph (control characters, lone surrogates) and collapse white space."""
    shown = "".join(
        " " if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") else character
        for character in text[: 4 * MAX_DRAWN_CHARS]
    )
    return " ".join(shown.split())


def wrap(text: str, font: Font, width: float, max_lines: int = MAX_LINES) -> list[str]:
    """Lines no wider than `width`. A word that is too long is split; text beyond `max_lines` ends
    in an ellipsis."""
    text = drawable(text)
    left = text[:MAX_DRAWN_CHARS]
    cut = len(text) > len(left)
    lines: list[str] = []
    while left and len(lines) < max_lines:
        line = _first_line(left, font, width)
        lines.append(line)
        left = left[len(line) :].lstrip()
    if (left or cut) and lines:
        line = lines[-1]
        while line and font.getlength(line + "…") > width:
            line = line[:-1]
        lines[-1] = line.rstrip() + "…"
    return lines


def _first_line(text: str, font: Font, width: float) -> str:
    fits = len(text)
    low = 1
    while low < fits:  # binary search: the longest prefix that fits
        middle = (low + fits + 1) // 2
        if font.getlength(text[:middle]) <= width:
            low = middle
        else:
            fits = middle - 1
    if low == len(text) or text[low] == " ":
        return text[:low]
    space = text.rfind(" ", 0, low)
    return text[:space] if space > 0 else text[:low]


@dataclass(frozen=True, slots=True)
class Caption:
    """Two masks of the same size: the panel and the letters on it."""

    panel: Image.Image
    letters: Image.Image


def draw(prompt: str, label: str, width: int, height: int) -> Caption:
    """A caption for a picture of this size; `label` is the small line below the prompt."""
    short = min(width, height)
    font, small = font_of(max(14, short // 21)), font_of(max(10, short // 42))
    pad, leading = short // 36, short // 17
    inner = width - 6 * pad
    lines = wrap(prompt, font, inner)
    small_lines = wrap(label, small, inner, 1)
    box_width = _box_width(lines, font, small_lines, small) + 2 * pad
    box_height = leading * len(lines) + short // 24 + 2 * pad
    size = (even(min(box_width, width - 2 * pad)), even(box_height))
    panel, letters = Image.new("L", size, 0), Image.new("L", size, 0)
    ImageDraw.Draw(panel).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), pad, fill=120)
    pen = ImageDraw.Draw(letters)
    for number, line in enumerate(lines):
        pen.text((pad, pad + number * leading), line, fill=245, font=font)
    for line in small_lines:
        pen.text((pad, pad + len(lines) * leading + short // 90), line, fill=170, font=small)
    return Caption(panel, letters)


def _box_width(lines: list[str], font: Font, small_lines: list[str], small: Font) -> int:
    widths = [font.getlength(line) for line in lines]
    widths += [small.getlength(line) for line in small_lines]
    return int(max(widths, default=0)) + 2
