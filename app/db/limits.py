"""What a member may still do: the figures admission looks at, read without a lock and written by
nobody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """Of a member now. `rate_backlog_seconds` is how far its requests run ahead of the clock, cut
    to its window; `team_credit_limit` None: the team has none."""

    used_credits: int
    open: int
    rate_backlog_seconds: float
    team_used_credits: int
    team_credit_limit: int | None
    admission_paused: bool


_HEADROOM = text(
    """
    SELECT (SELECT coalesce(sum(l.credits), 0)::bigint FROM ledger_entries l
             WHERE l.member_id = m.id AND l.counted) AS used_credits,
           (SELECT count(*) FROM generations g
             WHERE g.member_id = m.id AND g.state IN ('queued', 'submitting', 'running')) AS open,
           least(greatest(extract(epoch FROM
                     r.arrival_at - coalesce(CAST(:now AS timestamptz), now())
                 )::double precision, 0), m.rate_burst * 60.0 / m.rate_per_minute)
             AS rate_backlog_seconds,
           (SELECT coalesce(sum(l.credits), 0)::bigint FROM ledger_entries l
             WHERE l.team_id = m.team_id AND l.counted) AS team_used_credits,
           t.credit_limit AS team_credit_limit,
           (SELECT p.paused FROM pauses p WHERE p.name = 'admission') AS admission_paused
      FROM members m JOIN teams t ON t.id = m.team_id JOIN rate_states r ON r.member_id = m.id
     WHERE m.id = :member_id
    """
)


async def headroom_of(tx: Tx, member_id: UUID, *, now: datetime | None) -> Headroom:
    """In one trip, all of one snapshot. `now` None: the database's own clock."""
    row = (await tx.execute(_HEADROOM, {"member_id": member_id, "now": now})).one()
    return Headroom(**row._mapping)
