"""Statements and their lines. Written once, and never changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.db.session import Tx
from app.domain.statements import GroupBy, Kind, Line, Statement, Total

#: Lines that are in memory at a time.
PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A month of a team. `ends_at` is None if it has not ended. `first` is the first month that
    can have a statement, `last` the last that has one."""

    time_zone: str
    ends_at: datetime | None
    first: date
    last: date | None


async def lock_closing(tx: Tx, team_id: UUID) -> None:
    """One at a time closes months of a team. Nobody else waits for this lock."""
    await tx.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('close ' || CAST(:id AS text), 0))"),
        {"id": str(team_id)},
    )


async def month_of_team(tx: Tx, team_id: UUID, month: date, *, now: datetime | None) -> Month:
    """The time zone of the team stays as it is until the end of this transaction. `now` None: by
    the database's clock."""
    rows = await tx.execute(
        text(
            """
            SELECT t.time_zone, CASE WHEN e.at <= n.at THEN e.at END AS ends_at,
                   date_trunc('month', least(t.created_at, u.at) AT TIME ZONE t.time_zone)::date
                       AS first,
                   (SELECT max(s.month) FROM statements s WHERE s.team_id = t.id) AS last
              FROM teams t
             CROSS JOIN LATERAL (
                SELECT reelgate_period_ends_at('month', t.time_zone, CAST(:month AS date)) AS at) e
             CROSS JOIN LATERAL (
                SELECT min(u.counts_at) AS at FROM unclosed_entries u WHERE u.team_id = t.id) u
             CROSS JOIN (SELECT coalesce(CAST(:now AS timestamptz), now()) AS at) n
             WHERE t.id = :team_id FOR KEY SHARE OF t
            """
        ),
        {"team_id": team_id, "month": month, "now": now},
    )
    return Month(**rows.one()._mapping)


async def collect_lines(
    tx: Tx, statement_id: UUID, *, team_id: UUID, time_zone: str, ends_at: datetime
) -> None:
    """Takes what the team has spent before `ends_at`, and what it holds since then."""
    await tx.execute(
        text("SELECT reelgate_collect_lines(:id, :team_id, :time_zone, :ends_at)"),
        {"id": statement_id, "team_id": team_id, "time_zone": time_zone, "ends_at": ends_at},
    )


_FIGURES = """
    SELECT count(*) FILTER (WHERE l.kind IN ('settle', 'correct')) AS lines,
           coalesce(sum(l.credits), 0)::bigint AS credits,
           coalesce(sum(l.credits) FILTER (WHERE l.day < {month}), 0)::bigint AS earlier_credits,
           count(*) FILTER (WHERE l.kind = 'unknown') AS unknown_generations,
           coalesce(sum(l.held) FILTER (WHERE l.kind = 'unknown'), 0)::bigint AS unknown_credits,
           count(*) FILTER (WHERE l.kind = 'open') AS open_generations,
           coalesce(sum(l.held) FILTER (WHERE l.kind = 'open'), 0)::bigint AS open_credits
      FROM statement_lines l
"""


async def add(
    tx: Tx,
    statement_id: UUID,
    *,
    team_id: UUID,
    month: date,
    time_zone: str,
    ends_at: datetime,
    csv_bytes: int,
    csv_sha256: bytes,
    actor: str,
    created_at: datetime | None,
) -> Statement:
    """The statement of the lines that were collected for it."""
    figures = _FIGURES.format(month="CAST(:month AS date)")
    await tx.execute(
        text(
            f"""
            INSERT INTO statements (
                id, team_id, month, time_zone, ends_at, csv_bytes, csv_sha256, actor, created_at,
                lines, credits, earlier_credits, unknown_generations, unknown_credits,
                open_generations, open_credits)
            SELECT :id, :team_id, :month, :time_zone, :ends_at, :csv_bytes, :csv_sha256, :actor,
                   coalesce(CAST(:created_at AS timestamptz), now()), f.*
              FROM ({figures} WHERE l.statement_id = :id) f
            """  # noqa: S608 - a constant
        ),
        {
            "id": statement_id, "team_id": team_id, "month": month, "time_zone": time_zone,
            "ends_at": ends_at, "csv_bytes": csv_bytes, "csv_sha256": csv_sha256, "actor": actor,
            "created_at": created_at,
        },
    )  # fmt: skip
    found = await find(tx, team_id, month)
    assert found is not None
    return found


_STATEMENTS = """
    SELECT s.id, s.team_id, t.name AS team_name, s.month, s.time_zone, s.ends_at, s.lines,
           s.credits, s.earlier_credits, s.unknown_generations, s.unknown_credits,
           s.open_generations, s.open_credits, s.csv_bytes, s.csv_sha256, s.actor, s.created_at
      FROM statements s JOIN teams t ON t.id = s.team_id
"""


async def find(tx: Tx, team_id: UUID, month: date) -> Statement | None:
    rows = await tx.execute(
        text(f"{_STATEMENTS} WHERE s.team_id = :team_id AND s.month = :month"),
        {"team_id": team_id, "month": month},
    )
    row = rows.one_or_none()
    return None if row is None else Statement(**row._mapping)


async def list_statements(
    tx: Tx, *, team_id: UUID | None, after: tuple[UUID, date] | None, limit: int
) -> list[Statement]:
    """Of a team, or of all, in the order of their months. `after` is the team and the month of the
    last one of the previous page."""
    after_team, after_month = after or (None, None)
    rows = await tx.execute(
        text(
            f"{_STATEMENTS} WHERE (CAST(:team_id AS uuid) IS NULL OR s.team_id = :team_id)"
            " AND (CAST(:after_team AS uuid) IS NULL"
            " OR (s.team_id, s.month) > (:after_team, CAST(:after_month AS date)))"
            " ORDER BY s.team_id, s.month LIMIT :limit"
        ),
        {
            "team_id": team_id, "after_team": after_team, "after_month": after_month,
            "limit": limit,
        },
    )  # fmt: skip
    return [Statement(**row._mapping) for row in rows]


_LINE = """
    SELECT position, generation_id, day, member_id, member, key_id, key, key_prefix, model, tags,
           kind, credits, held
      FROM statement_lines
     WHERE statement_id = :id AND position > :after
"""
#: Positions have no gaps. Without an upper bound Postgres may sort all that follow, for each page,
#: while it has no statistics of new lines.
_LINES = text(f"{_LINE} AND position <= CAST(:after AS bigint) + :limit ORDER BY position")
_LINES_OF_KIND = text(f"{_LINE} AND kind = :kind ORDER BY position LIMIT :limit")


async def lines(
    tx: Tx, statement_id: UUID, *, after: int, limit: int, kind: Kind | None = None
) -> list[Line]:
    """In the order of the CSV. `after` is the position of the last one of the previous page, or
    0."""
    values = {"id": statement_id, "after": after, "limit": limit}
    if kind is None:
        rows = await tx.execute(_LINES, values)
    else:
        rows = await tx.execute(_LINES_OF_KIND, {**values, "kind": kind.value})
    return [_line(row) for row in rows]


async def pages_of_lines(tx: Tx, statement_id: UUID) -> AsyncIterator[list[Line]]:
    """All lines, some at a time."""
    after = 0
    while found := await lines(tx, statement_id, after=after, limit=PAGE):
        yield found
        after = found[-1].position


_GROUPS = {
    GroupBy.MEMBER: ("member", "member_id"),
    GroupBy.KEY: ("key_prefix", "key_id"),
    GroupBy.MODEL: ("model", "NULL::uuid"),
    GroupBy.MONTH: ("to_char(day, 'YYYY-MM')", "NULL::uuid"),
    GroupBy.TAG: ("tags ->> CAST(:tag AS text)", "NULL::uuid"),
}


async def totals(
    tx: Tx, statement_id: UUID, *, by: GroupBy, tag: str | None, skip: int, limit: int
) -> list[Total]:
    """Most credits first. `tag` is the key that `GroupBy.TAG` groups by."""
    value, of = _GROUPS[by]
    rows = await tx.execute(
        text(
            f"""
            SELECT {value} AS value, {of} AS id,
                   count(*) FILTER (WHERE kind IN ('settle', 'correct')) AS lines,
                   sum(credits)::bigint AS credits, sum(held)::bigint AS held
              FROM statement_lines WHERE statement_id = :id
             GROUP BY 1, 2 ORDER BY 4 DESC, 5 DESC, 1, 2 OFFSET :skip LIMIT :limit
            """  # noqa: S608 - from the constant above
        ),
        {"id": statement_id, "tag": tag, "skip": skip, "limit": limit},
    )
    return [Total(**row._mapping) for row in rows]


async def wrong_lines(tx: Tx, statement_id: UUID) -> int:
    """How many lines are not what their entries of the ledger say."""
    found = await tx.scalar(
        text(
            """
            SELECT count(*) FROM statement_lines s JOIN statements c ON c.id = s.statement_id
              JOIN ledger_entries l ON l.id = s.ledger_entry_id
             WHERE s.statement_id = :id
               AND (s.generation_id, c.team_id, s.member_id, s.key_id,
                    (l.counts_at AT TIME ZONE c.time_zone)::date, s.credits, s.held,
                    CASE WHEN s.kind IN ('settle', 'correct') THEN s.kind ELSE 'hold' END)
                IS DISTINCT FROM (l.generation_id, l.team_id, l.member_id, l.api_key_id,
                    s.day, l.settled, CASE l.kind WHEN 'hold' THEN l.held ELSE 0 END, l.kind)
            """
        ),
        {"id": statement_id},
    )
    return int(found or 0)


async def figures(tx: Tx, statement: Statement) -> dict[str, int]:
    """What the lines add up to, by the names of the statement's columns."""
    query = _FIGURES.format(month="CAST(:month AS date)")
    rows = await tx.execute(
        text(f"{query} WHERE l.statement_id = :id"), {"id": statement.id, "month": statement.month}
    )
    return dict(rows.one()._mapping)


async def out_of_place(tx: Tx, *, team_id: UUID | None, limit: int) -> list[tuple[str, int]]:
    """Entries of the ledger, of a team or of all, that should be in one statement or wait for one,
    and do not: the names of their teams and their ids. Reads all of the ledger."""
    rows = await tx.execute(
        text(
            """
            SELECT t.name, e.ledger_entry_id
              FROM entries_out_of_place e JOIN teams t ON t.id = e.team_id
             WHERE CAST(:team_id AS uuid) IS NULL OR e.team_id = :team_id
             ORDER BY 2 LIMIT :limit
            """
        ),
        {"team_id": team_id, "limit": limit},
    )
    return [(row[0], row[1]) for row in rows]


def _line(row: Row[Any]) -> Line:
    return Line(**{**row._mapping, "kind": Kind(row.kind)})
