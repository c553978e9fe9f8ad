"""The settings of shared videos."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Sharing(BaseModel):
    """Shared videos"""

    max_share_seconds: int = Field(
        2_592_000, ge=0, le=31_536_000,
        description="For how long a link may work that shares a video with people who have no key. "
        "0: nobody may share, and links that exist stop working.",
    )  # fmt: skip
