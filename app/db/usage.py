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
from app.db.session import Tx
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
