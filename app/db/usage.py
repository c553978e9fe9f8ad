"""Usage: how many generations were requested, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx
from app.domain.generation import State


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """Generations of one UTC day, model, member and current state. `held_credits` are reserved for
    those that have not ended."""

    day: date
    member_id: UUID
    model: str
    state: State
    generations: int
    settled_credits: int
    held_credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Of all generations of a team that came through a dialect. `videos` are those that succeeded;
    a failure can have cost credits, too."""

    team: str
    dialect: str
    videos: int
    spent_credits: int
    held_credits: int


#: The groups are formed before their teams are looked up: from the index alone.
_SUMS = text(
    """
    SELECT t.name AS team, s.dialect, s.videos, s.spent_credits, s.held_credits
      FROM (
        SELECT team_id, dialect,
               count(*) FILTER (WHERE state = 'succeeded') AS videos,
               coalesce(sum(settled), 0)::bigint AS spent_credits,
               coalesce(sum(quote) FILTER (WHERE settled IS NULL), 0)::bigint AS held_credits
          FROM generations GROUP BY team_id, dialect
      ) s JOIN teams t ON t.id = s.team_id
    """
)


async def sums(tx: Tx) -> list[Sums]:
    return [Sums(**row._mapping) for row in await tx.execute(_SUMS)]


_USAGE = """
    SELECT (g.created_at AT TIME ZONE 'UTC')::date AS day, g.member_id, g.spec->>'model' AS model,
           g.state, count(*) AS generations,
           coalesce(sum(g.settled), 0)::bigint AS settled_credits,
           coalesce(sum(g.quote) FILTER (WHERE g.settled IS NULL), 0)::bigint AS held_credits
      FROM generations g
     WHERE {whose}
       AND g.created_at >= CAST(:first AS date)::timestamp AT TIME ZONE 'UTC'
       AND g.created_at < (CAST(:last AS date) + 1)::timestamp AT TIME ZONE 'UTC'
     GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
#: Each uses its own index.
_OF_TEAM = text(_USAGE.format(whose="g.team_id = :team_id"))
_OF_MEMBER = text(_USAGE.format(whose="g.member_id = :member_id AND g.team_id = :team_id"))


async def usage_of(
    tx: Tx, *, team_id: UUID, member_id: UUID | None, first: date, last: date
) -> list[UsageRow]:
    """Of the UTC days from `first` to `last`, inclusive. `member_id` None: the whole team."""
    values = {"team_id": team_id, "first": first, "last": last}
    if member_id is None:
        rows = await tx.execute(_OF_TEAM, values)
    else:
        rows = await tx.execute(_OF_MEMBER, {**values, "member_id": member_id})
    return [UsageRow(**{**row._mapping, "state": State(row.state)}) for row in rows]
