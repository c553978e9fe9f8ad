"""What an operator has paused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from app.db.session import Tx
from app.domain.operators import Switch


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    name: Switch
    paused: bool
    reason: str | None
    changed_at: datetime


async def positions(tx: Tx) -> list[Position]:
    rows = await tx.execute(
        text("SELECT name, paused, reason, changed_at FROM pauses ORDER BY name")
    )
    return [Position(**{**row._mapping, "name": Switch(row.name)}) for row in rows]


async def is_paused(tx: Tx, switch: Switch) -> bool:
    return bool(
        await tx.scalar(text("SELECT paused FROM pauses WHERE name = :n"), {"n": switch.value})
    )


async def turn(tx: Tx, switch: Switch, *, paused: bool, reason: str | None) -> bool:
    """True where that changed something."""
    result = await tx.execute(
        text(
            "UPDATE pauses SET paused = :paused, reason = :reason, changed_at = now()"
            " WHERE name = :name AND (paused <> :paused OR reason IS DISTINCT FROM :reason)"
        ),
        {"name": switch.value, "paused": paused, "reason": reason},
    )
    return result.rowcount == 1
