"""The one statement of admission, and how to check whether it was committed."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.db.direct import Direct
from app.db.limits import status_from
from app.db.queue_position import SUBMISSION_HELD_UP
from app.db.session import Tx
from app.domain.limits import LimitStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What `reelgate_admit` decided. `limits` are what is left afterwards; None if the caller is no
    longer as it was. `accepted_at` is None for a generation of an earlier request. `missing_tags`
    are those that its team requires. `submission_held_up`: nothing is being sent upstream now."""

    outcome: str
    generation_id: UUID | None
    accepted_at: datetime | None
    limits: LimitStatus | None
    missing_tags: tuple[str, ...]
    submission_held_up: bool


_DECISION = tuple(each.name for each in fields(Decision) if each.name != "missing_tags")
_ADMIT = (
    f"SELECT d.*, {SUBMISSION_HELD_UP} AS submission_held_up"  # noqa: S608 - a constant
    " FROM reelgate_admit(CAST(%s AS jsonb)) d"
)


async def admit(
    direct: Direct, request: Mapping[str, Any], *, arrived_at: float | None = None
) -> Decision:
    """Decides and, on acceptance, inserts generation, hold and job. `reelgate_admit` documents
    `request`, but for how long an SDK's attempt has waited: since `arrived_at` of
    `time.perf_counter`, until it is sent."""

    def stored() -> tuple[str]:
        waited = {}
        if arrived_at is not None:
            waited = {"sdk_waited_seconds": time.perf_counter() - arrived_at}
        return (json.dumps({**request, **waited}, ensure_ascii=False, default=_plain),)

    row = await direct.one(_ADMIT, stored)
    assert row is not None
    held = request["quote"] if row["accepted_at"] is not None else 0
    limits = row["limits"] or {}
    return Decision(
        **{name: row[name] for name in _DECISION if name != "limits"},
        limits=status_from(limits, held=held) if limits else None,
        missing_tags=tuple(limits.get("missing_tags") or ()),
    )


def _plain(value: object) -> str:
    if isinstance(value, UUID | datetime):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON here")


async def missing_tags(tx: Tx, member_id: UUID, metadata: Mapping[str, str]) -> list[str]:
    """Those that the member's team requires, and these lack or leave empty."""
    found: list[str] = await tx.scalar(
        text(
            "SELECT reelgate_lacking(t.required_tags, CAST(:metadata AS jsonb))"
            " FROM members m JOIN teams t ON t.id = m.team_id WHERE m.id = :member_id"
        ),
        {"member_id": member_id, "metadata": json.dumps(dict(metadata))},
    )
    return found


async def was_committed(tx: Tx, generation_id: UUID, *, member_id: UUID) -> bool:
    """Whether an interrupted admission was committed.

    First takes the member's admission lock: an admission that still runs in the server then ends
    before the check, so the answer stays true.
    """
    await tx.execute(
        text("SELECT FROM rate_states WHERE member_id = :id FOR NO KEY UPDATE"), {"id": member_id}
    )
    found = await tx.scalar(
        text("SELECT EXISTS (SELECT FROM generations WHERE id = :id)"), {"id": generation_id}
    )
    return bool(found)
