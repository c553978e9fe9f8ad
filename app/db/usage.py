"""Usage as it is added up when generations end, and the sums of it that metrics show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx, take_your_time
from app.domain.generation import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Usage that is not what the generations add up to. `day` None: since ever. `member_id` None:
    of the whole team."""

    team_id: UUID
    member_id: UUID | None
    day: date | None
    tag: str
    model: str
    state: State
    generations: int
    settled: int
    true_generations: int
    true_settled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Of all generations of a team that came through a dialect. `videos` are those that succeeded;
    a failure can have cost credits, too."""

    team: str
    dialect: str
    videos: int
    spent_credits: int
    held_credits: int


#: What has ended since ever, and what has not: that is little, and has an index.
_SUMS = text(
    """
    SELECT t.name AS team, s.dialect, sum(s.videos)::bigint AS videos,
           sum(s.spent_credits)::bigint AS spent_credits,
           sum(s.held_credits)::bigint AS held_credits
      FROM (
        SELECT team_id, dialect, CASE state WHEN 'succeeded' THEN generations ELSE 0 END AS videos,
               settled AS spent_credits, 0 AS held_credits
          FROM team_usage WHERE day = '-infinity'
        UNION ALL
        SELECT team_id, dialect, 0, 0, quote FROM generations
         WHERE state IN ('queued', 'submitting', 'running', 'unknown')
      ) s JOIN teams t ON t.id = s.team_id
     GROUP BY t.name, s.dialect
    """
)


async def sums(tx: Tx) -> list[Sums]:
    return [Sums(**row._mapping) for row in await tx.execute(_SUMS)]


async def rebuild(tx: Tx, team_id: UUID | None) -> None:
    """Makes the usage of a team, or of all, what its generations add up to. None of them may end
    meanwhile."""
    await tx.execute(text("SELECT reelgate_rebuild_usage(:team_id)"), {"team_id": team_id})


_DIFFERENCES = text(
    """
    SELECT team_id, member_id, nullif(day, '-infinity') AS day,
           CASE tag WHEN '' THEN '' ELSE tag || '=' || value END AS tag, model, state,
           coalesce(u.generations, 0) AS generations, coalesce(u.settled, 0) AS settled,
           coalesce(g.generations, 0) AS true_generations, coalesce(g.settled, 0) AS true_settled
      FROM daily_usage u FULL JOIN daily_usage_of_generations g
     USING (member_id, tag, day, value, model, state, account_id, team_id)
     WHERE (u.generations, u.settled) IS DISTINCT FROM (g.generations, g.settled)
     UNION ALL
    SELECT team_id, NULL, nullif(day, '-infinity'), '', model, state,
           coalesce(u.generations, 0), coalesce(u.settled, 0),
           coalesce(g.generations, 0), coalesce(g.settled, 0)
      FROM team_usage u FULL JOIN team_usage_of_generations g
     USING (team_id, day, model, state, dialect)
     WHERE (u.generations, u.settled) IS DISTINCT FROM (g.generations, g.settled)
     ORDER BY team_id, member_id, day, tag, model, state LIMIT :limit
    """
)


async def differences(tx: Tx, *, limit: int) -> list[Difference]:
    """Where usage and generations disagree; reads all of both. One snapshot has them."""
    await take_your_time(tx)
    rows = await tx.execute(_DIFFERENCES, {"limit": limit})
    return [Difference(**{**row._mapping, "state": State(row.state)}) for row in rows]
