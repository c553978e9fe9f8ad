"""How many rows wait in each state, and since when."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from app.db.session import Tx


@dataclass(frozen=True, slots=True)
class Backlog:
    """`oldest_seconds` is the age of the oldest row; 0 if there is none."""

    count: int = 0
    oldest_seconds: float = 0.0


async def by_state(tx: Tx, rows: str, *, since: str = "created_at") -> dict[str, Backlog]:
    """The backlog of each state that has one. `rows` is a table with a condition, `since` the
    instant from which a row's age counts; both are constants of our own."""
    found = await tx.execute(
        text(
            f"""
            SELECT state, count(*) AS rows,
                   extract(epoch FROM now() - min({since}))::double precision AS oldest
              FROM {rows} GROUP BY state
            """  # noqa: S608 - both are constants
        )
    )
    return {row.state: Backlog(row.rows, row.oldest) for row in found}
