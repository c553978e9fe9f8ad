"""Tells that a video is archived: an event, and webhooks to those who ask for it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from app.db import webhook_deliveries
from app.db.session import Tx
from app.domain.webhooks import WebhookEvent


async def tell(tx: Tx, generation_id: UUID) -> None:
    """Once for each generation, in the transaction that archives its video and holds the lock of
    its row: a write that is repeated, or a video that is archived again, is not told."""
    event = WebhookEvent.ARCHIVED
    result = await tx.execute(_TELL, {"id": generation_id, "type": event.value})
    if result.rowcount == 1:
        await webhook_deliveries.make(tx, generation_id, event, cause=event.value)


_TELL = text(
    """
    INSERT INTO events (generation_id, team_id, member_id, type)
    SELECT id, team_id, member_id, :type FROM generations
     WHERE id = :id
       AND NOT EXISTS (SELECT FROM events WHERE generation_id = :id AND type = :type)
    """
)
