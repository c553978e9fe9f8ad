"""The ledger of credits. Usage is always the sum of the counted entries: open holds and
settlements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`kind` is hold, settle or release. `counted`: it counts against the limits, as an open hold
    and a settlement do."""

    kind: str
    credits: int
    counted: bool
    created_at: datetime


async def entries_of(tx: Tx, generation_id: UUID) -> list[Entry]:
    """Oldest first."""
    rows = await tx.execute(
        text(
            "SELECT kind, credits, counted, created_at FROM ledger_entries"
            " WHERE generation_id = :id ORDER BY id"
        ),
        {"id": generation_id},
    )
    return [Entry(**row._mapping) for row in rows]


def used_by(whose: str) -> str:
    """SQL for what is used by the member or team that this condition on an entry names."""
    return (
        "(SELECT coalesce(sum(l.credits), 0)::bigint FROM ledger_entries l"  # noqa: S608
        f" WHERE l.{whose} AND l.counted)"
    )


def settled_by(whose: str) -> str:
    """The part of what is used that has been spent for good."""
    return used_by(f"{whose} AND l.kind = 'settle'")


def held_by(whose: str) -> str:
    """The part of what is used that open holds set aside."""
    return used_by(f"{whose} AND l.kind = 'hold'")


_USED_BY_MEMBER = text(f"SELECT {used_by('member_id = :id')}")


async def used_by_member(tx: Tx, member_id: UUID) -> int:
    return int(await tx.scalar(_USED_BY_MEMBER, {"id": member_id}) or 0)


async def close_hold(tx: Tx, generation_id: UUID, *, settle: int) -> None:
    """Ends the hold of a generation: settles `settle` credits, or releases it if that is 0.

    One statement, so that no reader sees both or neither. The constraints refuse a second end, and
    a settlement above the hold.
    """
    await tx.execute(
        text(
            """
            WITH hold AS (
                UPDATE ledger_entries SET counted = false
                 WHERE generation_id = :id AND kind = 'hold' AND counted
                RETURNING generation_id, team_id, member_id, credits
            ), priced AS (
                UPDATE generations g SET settled = CAST(:settle AS bigint)
                  FROM hold WHERE g.id = hold.generation_id
            )
            INSERT INTO ledger_entries (generation_id, team_id, member_id, kind, credits, counted)
            SELECT generation_id, team_id, member_id,
                   CASE WHEN CAST(:settle AS bigint) > 0 THEN 'settle' ELSE 'release' END,
                   CASE WHEN CAST(:settle AS bigint) > 0 THEN CAST(:settle AS bigint)
                        ELSE credits END,
                   CAST(:settle AS bigint) > 0
              FROM hold
            """
        ),
        {"id": generation_id, "settle": settle},
    )
