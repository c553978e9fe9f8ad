"""Webhook deliveries of a whole team."""

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

    team_id: UUID
    endpoint_id: UUID | None = None
    state: DeliveryState | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None


_CONDITIONS = {
    "team_id": "d.team_id = :team_id",
    "endpoint_id": "d.endpoint_id = :endpoint_id",
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
    return " AND ".join(clauses), values


async def list_deliveries(
    tx: Tx, wanted: Wanted, *, after: _Position | None, limit: int
) -> list[Delivery]:
    """Newest first. `after` is the position of the last row before the page."""
    matching, values = _conditions(wanted)
    if after is not None:
        matching += " AND (d.created_at, d.id) < (:after_at, :after_id)"
        values |= {"after_at": after[0], "after_id": after[1]}
    rows = await tx.execute(
        text(
            f"{SELECT_DELIVERIES} WHERE {matching}"
            " ORDER BY d.created_at DESC, d.id DESC LIMIT :limit"
        ),
        {**values, "limit": limit},
    )
    return [delivery_of(row) for row in rows]


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
