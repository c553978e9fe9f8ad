"""What all pages with images share."""

from __future__ import annotations

from app.domain.inputs import InputRule

#: Of the pages of Hailuo and Skyreels; no other page says any.
STRICT = InputRule(
    max_bytes=10_000_000, content_types=("image/jpeg", "image/png"), shortest=300, longest=4096,
    tallest=(2, 5), widest=(5, 2),
)  # fmt: skip
