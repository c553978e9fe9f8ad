"""The picture of a simulated video: sky, sun, clouds and three rows of hills, all moving."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from app.simulator import caption
from app.simulator.drawing import Canvas, Rgb, Sprite, even, to_yuv


@dataclass(frozen=True, slots=True)
class Palette:
    sky: tuple[Rgb, Rgb, Rgb]  # top, middle, horizon
    sun: Rgb
    hills: tuple[Rgb, Rgb, Rgb]  # far to near


PALETTES = (
    Palette(  # dusk
        ((38, 30, 78), (156, 72, 112), (250, 170, 108)),
        (255, 226, 170),
        ((122, 66, 110), (78, 44, 88), (38, 24, 56)),
    ),
    Palette(  # morning
        ((84, 150, 206), (158, 204, 230), (248, 232, 206)),
        (255, 250, 226),
        ((134, 168, 176), (82, 126, 128), (38, 80, 82)),
    ),
    Palette(  # night
        ((8, 14, 40), (22, 42, 86), (66, 100, 142)),
        (234, 240, 255),
        ((36, 60, 98), (20, 38, 70), (8, 18, 40)),
    ),
    Palette(  # desert
        ((70, 120, 160), (226, 180, 140), (252, 212, 150)),
        (255, 244, 210),
        ((206, 136, 96), (166, 92, 66), (104, 54, 46)),
    ),
    Palette(  # aurora
        ((14, 22, 48), (24, 92, 104), (126, 200, 166)),
        (226, 255, 236),
        ((38, 96, 102), (22, 62, 74), (10, 32, 44)),
    ),
)


@dataclass(frozen=True, slots=True)
class Strip:
    """A row that moves by `travel` pixels over the whole clip."""

    sprite: Sprite
    top: int
    travel: int


class Scene:
    """The frames of one clip. The same arguments give the same frames.

    With `loop` every movement repeats after `frames` frames, so the last frame leads into the
    first. Without it the sun rises and the hills do not repeat.
    """

    def __init__(
        self,
        *,
        width: int,
        height: int,
        frames: int,
        loop: bool,
        seed: int,
        prompt: str,
        label: str,
    ) -> None:
        self.width, self.height, self.frames, self.loop = width, height, frames, loop
        rng = random.Random(seed)
        palette = rng.choice(PALETTES)
        self.sun_left = rng.uniform(0.2, 0.8)
        self.sun = Sprite(palette.sun, _glow(even(min(width, height) * 0.42)))
        self.strips = self._strips(palette, rng)
        self.ground = _sky(palette, width, height)
        for strip, colour in zip(self.strips[1:], palette.hills, strict=True):
            bottom = strip.top + strip.sprite.mask.height
            self.ground.fill(colour, 0, bottom, self.ground.luma.width, height)
        text = caption.draw(prompt, label, width, height)
        self.panel, self.letters = (
            Sprite((0, 0, 0), text.panel),
            Sprite((255, 255, 255), text.letters),
        )

    def _strips(self, palette: Palette, rng: random.Random) -> list[Strip]:
        width, height = self.width, self.height
        drift = even(width / 2)
        clouds = _clouds(width, even(height * 0.24), drift, rng)
        strips = [Strip(Sprite((255, 255, 255), clouds), even(height * 0.05), drift)]
        rows = ((0.44, 0.14, 1 / 4), (0.55, 0.17, 1 / 2), (0.70, 0.16, 1.0))
        for colour, (top, tall, share) in zip(palette.hills, rows, strict=True):
            travel = even(width * share)
            mask = _hills(width, even(height * tall), travel, self.loop, rng)
            strips.append(Strip(Sprite(colour, mask), even(height * top), travel))
        return strips

    def frame(self, number: int) -> Canvas:
        part = number / self.frames
        canvas = self.ground.copy()
        self.sun.draw(canvas, *self._sun_corner(part))
        for strip in self.strips:
            strip.sprite.draw_part(canvas, even(part * strip.travel), self.width, strip.top)
        left, top = self._caption_corner()
        self.panel.draw(canvas, left, top)
        self.letters.draw(canvas, left, top)
        return canvas

    def _sun_corner(self, part: float) -> tuple[int, int]:
        size = self.sun.mask.width
        rise = 0.03 * math.sin(2 * math.pi * part) if self.loop else 0.2 * part
        across, down = self.width * self.sun_left, self.height * (0.36 - rise)
        return even(across - size / 2), even(down - size / 2)

    def _caption_corner(self) -> tuple[int, int]:
        pad = min(self.width, self.height) // 18
        return even(pad), even(self.height - pad - self.panel.mask.height)


def _sky(palette: Palette, width: int, height: int) -> Canvas:
    """A vertical gradient: one column, stretched to the full width."""
    canvas = Canvas.blank(width, height)
    stops = [to_yuv(colour) for colour in palette.sky]
    for index, plane in enumerate((canvas.luma, canvas.blueness, canvas.redness)):
        column = Image.new("L", (1, 3))
        column.putdata([stop[index] for stop in stops])
        tall = column.resize((1, int(plane.height * 0.75)), Image.Resampling.BICUBIC)
        plane.paste(tall.resize((plane.width, tall.height)), (0, 0))
    return canvas


def _glow(size: int) -> Image.Image:
    """A disc with a soft halo that fades out within its square."""
    edge = Image.radial_gradient("L").resize((size, size), Image.Resampling.BILINEAR)
    halo = edge.point([round(140 * max(0.0, 1 - at / 123) ** 2) for at in range(256)])
    disc = Image.new("L", (2 * size, 2 * size), 0)
    ImageDraw.Draw(disc).circle((size, size), size * 0.34, fill=255)
    return ImageChops.lighter(halo, disc.reduce(2))


def _hills(width: int, height: int, travel: int, loop: bool, rng: random.Random) -> Image.Image:
    """A strip as long as the picture's width plus `travel`, drawn at twice the size for smooth
    edges."""
    waves = []
    for turns in (1, 2, 3, 5):
        drift = 0 if loop else rng.uniform(0.25, 0.45)
        waves.append((turns + drift, rng.uniform(0, 2 * math.pi), rng.uniform(0.6, 1) / turns))
    whole = sum(size for _, _, size in waves)
    length = width + travel
    points: list[tuple[float, float]] = []
    for across in range(0, length + 9, 8):
        level = sum(
            size * math.sin(phase + 2 * math.pi * turns * across / travel)
            for turns, phase, size in waves
        )
        points.append((2 * across, height * (1 - 0.9 * level / whole)))
    big = Image.new("L", (2 * length, 2 * height), 0)
    corners = [(2 * length + 16, 2 * height), (0, 2 * height)]
    ImageDraw.Draw(big).polygon([*points, *corners], fill=255)
    return big.reduce(2)


def _clouds(width: int, height: int, travel: int, rng: random.Random) -> Image.Image:
    """A strip of soft ellipses that repeats after `travel` pixels."""
    strip = Image.new("L", (width + travel + 2, height), 0)
    pen = ImageDraw.Draw(strip)
    for _ in range(4):
        left, long = rng.uniform(0, travel), travel * rng.uniform(0.12, 0.4)
        top, tall = height * rng.uniform(0.15, 0.75), height * rng.uniform(0.04, 0.1)
        for turn in range(-1, (width + travel) // travel + 1):
            start = left + turn * travel
            pen.ellipse((start, top, start + long, top + tall), fill=70)
    return strip.filter(ImageFilter.GaussianBlur(height / 40))
