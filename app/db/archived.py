"""Tells that a video is archived: an event, and webhooks to those who ask for it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx
from app.db.webhook_deliveries import DELIVERIES_OF_EVENT, deliveries_values
from app.domain.webhooks import WebhookEvent


async def tell(tx: Tx, generation_id: UUID) -> None:
    """Once for each generation, in the transaction that archives its video and holds the lock of
    its row: a write that is repeated, or a video that is archived again, is not told."""
    event = WebhookEvent.ARCHIVED
    await tx.execute(_TELL, deliveries_values(generation_id, event, cause=event.value))


_TELL = text(
    f"""
    WITH event AS (
        INSERT INTO events (generation_id, team_id, member_id, type)
        SELECT id, team_id, member_id, :type FROM generations
         WHERE id = :id
           AND NOT EXISTS (SELECT FROM events WHERE generation_id = :id AND type = :type)
        RETURNING id, generation_id, team_id, member_id
    ), {DELIVERIES_OF_EVENT}
    """  # noqa: S608 - a constant
)
