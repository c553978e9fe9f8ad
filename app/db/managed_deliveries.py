"""Webhook deliveries of a whole team, or of all teams."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx
from app.db.webhook_deliveries import SELECT_DELIVERIES, Delivery, delivery_of
from app.domain.webhooks import DeliveryState

#: The (created_at, id) of a row.
_Position = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which deliveries. None: all."""

    team_id: UUID | None = None
    endpoint_id: UUID | None = None
    generation_id: UUID | None = None
    state: DeliveryState | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None


_CONDITIONS = {
    "team_id": "d.team_id = :team_id",
    "endpoint_id": "d.endpoint_id = :endpoint_id",
    "generation_id": "d.generation_id = :generation_id",
    # Written out, so that the index of failed ones covers it.
    "state": "d.state = '{state}'",
    "created_from": "d.created_at >= :created_from",
    "created_before": "d.created_at < :created_before",
}


def _conditions(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    values = {
        name: getattr(wanted, name) for name in _CONDITIONS if getattr(wanted, name) is not None
    }
    clauses = [_CONDITIONS[name].format(**values) for name in values]
    return " AND ".join(clauses) or "true", values


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A delivery, and whose it is. `member` None: it is about the team's credits. `url` None: it
    goes to the callback address of its generation."""

    delivery: Delivery
    team: str
    member: str | None
    url: str | None

    @property
    def id(self) -> UUID:
        return self.delivery.id

    @property
    def created_at(self) -> datetime:
        return self.delivery.created_at


async def list_named(tx: Tx, wanted: Wanted, *, after: _Position | None, limit: int) -> list[Named]:
    """Of one team or of all, newest first. `after` is the position of the last row before the
    page."""
    matching, values = _conditions(wanted)
    if after is not None:
        matching += " AND (d.created_at, d.id) < (:after_at, :after_id)"
        values |= {"after_at": after[0], "after_id": after[1]}
    named = (wanted.team_id, wanted.endpoint_id, wanted.generation_id)
    failed_of_all = wanted.state is DeliveryState.FAILED and not any(named)
    if failed_of_all:
        matching += " AND d.team_id = t.id"
    page = (
        f"SELECT d.id, d.created_at FROM webhook_deliveries d WHERE {matching}"  # noqa: S608
        " ORDER BY d.created_at DESC, d.id DESC LIMIT :limit"
    )
    if failed_of_all:
        # Failed ones are rare, and their index begins with the team.
        page = (
            f"SELECT n.id FROM teams t CROSS JOIN LATERAL ({page}) n"  # noqa: S608
            " ORDER BY n.created_at DESC, n.id DESC LIMIT :limit"
        )
    rows = await tx.execute(
        text(
            f"""
            SELECT p.*, t.name AS team, m.name AS member, w.url
              FROM ({SELECT_DELIVERIES} WHERE d.id IN (SELECT id FROM ({page}) page)) p
              JOIN teams t ON t.id = p.team_id
              LEFT JOIN members m ON m.id = p.member_id
              LEFT JOIN webhook_endpoints w ON w.id = p.endpoint_id
             ORDER BY p.created_at DESC, p.id DESC
            """  # noqa: S608 - constants of this module
        ),
        {**values, "limit": limit},
    )
    return [
        Named(delivery=delivery_of(row), team=row.team, member=row.member, url=row.url)
        for row in rows
    ]


async def begin_failed_again(
    tx: Tx, wanted: Wanted, *, after: _Position | None, now: datetime | None, limit: int
) -> list[_Position]:
    """Makes failed deliveries due now, with all their attempts, and a job for each; oldest first,
    at most `limit`. Leaves out tests, those to disabled endpoints, and those that somebody else is
    changing. Returns their positions, in order. `now` None: by the database's clock."""
    matching, values = _conditions(wanted)
    if after is not None:
        matching += " AND (d.created_at, d.id) > (:after_at, :after_id)"
        values |= {"after_at": after[0], "after_id": after[1]}
    rows = await tx.execute(
        text(
            f"""
            WITH failed AS (
                SELECT d.id FROM webhook_deliveries d
                  LEFT JOIN webhook_endpoints w ON w.id = d.endpoint_id
                 WHERE {matching} AND d.state = 'failed'
                   AND (d.generation_id IS NOT NULL OR d.data IS NOT NULL)
                   AND (d.endpoint_id IS NULL OR w.state = 'enabled')
                 ORDER BY d.created_at, d.id LIMIT :limit
                   -- A deletion of the endpoint takes them in another order.
                   FOR NO KEY UPDATE OF d SKIP LOCKED
            ), begun AS (
                UPDATE webhook_deliveries d
                   SET state = 'pending', attempts = 0, finished_at = NULL,
                       next_attempt_at = coalesce(CAST(:now AS timestamptz), now())
                  FROM failed f WHERE d.id = f.id
                RETURNING d.id, d.created_at
            )
            SELECT created_at, id, reelgate_enqueue('deliver', id, 0, NULL) FROM begun
             ORDER BY created_at, id
            """  # noqa: S608 - constants of this module
        ),
        {**values, "now": now, "limit": limit},
    )
    return [(row.created_at, row.id) for row in rows]
