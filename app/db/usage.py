"""Usage: how many generations were requested, and what they cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.db.generations import HAS_TAGS
from app.db.session import Tx, take_your_time
from app.domain.generation import State


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """Generations of one UTC day, model, member and current state, and with one value of the tag
    that rows are grouped by. `held_credits` are reserved for those that have not ended."""

    day: date
    member_id: UUID
    model: str
    state: State
    tag: str | None
    generations: int
    settled_credits: int
    held_credits: int


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


_USAGE = """
    SELECT (g.created_at AT TIME ZONE 'UTC')::date AS day, g.member_id, g.spec->>'model' AS model,
           g.state, g.metadata ->> CAST(:group_by AS text) AS tag, count(*) AS generations,
           coalesce(sum(g.settled), 0)::bigint AS settled_credits,
           coalesce(sum(g.quote) FILTER (WHERE g.settled IS NULL), 0)::bigint AS held_credits
      FROM generations g
     WHERE {whose}
       AND g.created_at >= CAST(:first AS date)::timestamp AT TIME ZONE 'UTC'
       AND g.created_at < (CAST(:last AS date) + 1)::timestamp AT TIME ZONE 'UTC'
     GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5 LIMIT :limit
"""


async def usage_of(
    tx: Tx,
    *,
    team_id: UUID,
    member_id: UUID | None,
    first: date,
    last: date,
    metadata: Mapping[str, str],
    group_by: str | None,
    limit: int | None,
) -> list[UsageRow]:
    """Of the UTC days from `first` to `last`, inclusive. `member_id` None: the whole team.
    `metadata`: only those with all of these tags. `group_by` is the key of a tag."""
    # Each of these has its own index.
    clauses = ["g.team_id = :team_id"]
    values: dict[str, Any] = {
        "team_id": team_id,
        "first": first,
        "last": last,
        "group_by": group_by,
    }
    if member_id is not None:
        clauses.append("g.member_id = :member_id")
        values["member_id"] = member_id
    if metadata:
        clauses.append(HAS_TAGS)
        values["metadata"] = json.dumps(dict(metadata))
    statement = text(_USAGE.format(whose=" AND ".join(clauses)))
    rows = await tx.execute(statement, {**values, "limit": limit})
    return [UsageRow(**{**row._mapping, "state": State(row.state)}) for row in rows]


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
