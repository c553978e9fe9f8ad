"""Links to one video for people without a key. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

#: How many links to one video may work at a time.
MAX_SHARES = 50
MIN_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """`member_id` made it."""

    id: UUID
    generation_id: UUID
    member_id: UUID
    created_at: datetime
    expires_at: datetime
