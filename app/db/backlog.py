"""How many rows wait in each state, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx


@dataclass(frozen=True, slots=True)
class Backlog:
    """`oldest_seconds` is the age of the oldest row; 0 if there is none."""

    count: int = 0
    oldest_seconds: float = 0.0


async def by_state(
    tx: Tx, rows: str, *, since: str = "created_at", team_id: UUID | None = None
) -> dict[str, Backlog]:
    """The backlog of each state that has one, of one team or of all. `rows` is a table with a
    condition, `since` the instant from which a row's age counts; both are constants of our own."""
    of_team = "" if team_id is None else " AND team_id = :team_id"
    found = await tx.execute(
        text(
            f"""
            SELECT state, count(*) AS rows,
                   extract(epoch FROM now() - min({since}))::double precision AS oldest
              FROM {rows}{of_team} GROUP BY state
            """  # noqa: S608 - both are constants
        ),
        {} if team_id is None else {"team_id": team_id},
    )
    return {row.state: Backlog(row.rows, row.oldest) for row in found}
