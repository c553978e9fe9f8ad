"""Idempotency keys. Admission stores and reads them, in `reelgate_admit`."""

from __future__ import annotations

from sqlalchemy import text

from app.db.session import Tx


async def prune(tx: Tx) -> None:
    """Deletes keys that have expired, at most a thousand at a time."""
    await tx.execute(
        text(
            "DELETE FROM idempotency_keys WHERE (member_id, scope, key) IN"
            " (SELECT member_id, scope, key FROM idempotency_keys WHERE expires_at < now()"
            " LIMIT 1000)"
        )
    )
