"""What an operator has paused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from app.db.session import Tx
from app.domain.operators import Pause


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseState:
    name: Pause
    paused: bool
    reason: str | None
    changed_at: datetime


async def states(tx: Tx) -> list[PauseState]:
    rows = await tx.execute(
        text("SELECT name, paused, reason, changed_at FROM pauses ORDER BY name")
    )
    return [PauseState(**{**row._mapping, "name": Pause(row.name)}) for row in rows]


async def is_paused(tx: Tx, pause: Pause) -> bool:
    return bool(
        await tx.scalar(text("SELECT paused FROM pauses WHERE name = :n"), {"n": pause.value})
    )


async def set_paused(tx: Tx, pause: Pause, *, paused: bool, reason: str | None) -> bool:
    """True if that changed anything."""
    result = await tx.execute(
        text(
            "UPDATE pauses SET paused = :paused, reason = :reason, changed_at = now()"
            " WHERE name = :name AND (paused <> :paused OR reason IS DISTINCT FROM :reason)"
        ),
        {"name": pause.value, "paused": paused, "reason": reason},
    )
    return result.rowcount == 1
