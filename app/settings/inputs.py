"""The settings of uploaded images."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, field_validator
from pydantic_settings import NoDecode

from app.settings.addresses import Origin


class Inputs(BaseModel):
    """Uploaded images"""

    max_input_bytes: int = Field(
        52_428_800, ge=1024, le=52_428_800,
        description="Largest image that is accepted. The upstream accepts 50 MB.",
    )  # fmt: skip
    unused_input_hours: int = Field(
        168, ge=1, le=8760,
        description="An uploaded image that no generation uses is deleted after so many hours.",
    )  # fmt: skip
    unused_input_bytes: int = Field(
        1_073_741_824, ge=1024,
        description="How much a member may keep of uploaded images that no generation uses.",
    )  # fmt: skip
    uploads_per_minute: int = Field(
        100, ge=1, le=100_000,
        description="How many images a member may upload in a minute.",
    )  # fmt: skip
    input_internal_origins: Annotated[tuple[Origin, ...], NoDecode] = Field(
        (),
        description="Servers in your own network that images may be fetched from by their URL, "
        "comma-separated, such as `http://pictures.internal:9000`; all others must be public and "
        "https.",
    )

    @field_validator("input_internal_origins", mode="before")
    @classmethod
    def _split_input_origins(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(word.strip() for word in value.split(",") if word.strip())
        return value
