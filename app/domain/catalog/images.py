"""What all pages with images share."""

from __future__ import annotations

from app.domain.inputs import InputRule

#: Whether what was uploaded reaches the upstream. Until then every model that needs an image is
#: refused.
CONNECTED = False
NOT_CONNECTED = None if CONNECTED else "Uploaded images are not sent to the upstream yet."

#: Of the pages of Hailuo and Skyreels; no other page says any.
STRICT = InputRule(
    max_bytes=10_000_000, content_types=("image/jpeg", "image/png"), shortest=300, longest=4096,
    tallest=(2, 5), widest=(5, 2),
)  # fmt: skip
