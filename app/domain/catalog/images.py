"""What all pages with images share."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.inputs import InputRule

#: Of the pages of Hailuo and Skyreels; no other page says any.
STRICT = InputRule(
    max_bytes=10_000_000, content_types=("image/jpeg", "image/png"), shortest=300, longest=4096,
    tallest=(2, 5), widest=(5, 2),
)  # fmt: skip

#: The names of fields, in every page that has them: the image that the video ends with, those that
#: it leads through, first to last, and those that it shall be like.
LAST = "tail_image"
FRAMES = "frames"
REFERENCES = "reference_images"

#: A field, and which of its images; None for a field of one image.
Place = tuple[str, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """Which images a request of another API has: one to begin with, one to end with, and how many
    to be like."""

    first: bool = False
    last: bool = False
    references: int = 0
