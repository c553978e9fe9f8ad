"""Calls of SDKs that repeat a create without marking it. Admission begins and joins them, in
`reelgate_admit`."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db.direct import Direct
from app.db.session import Tx

_END = "SELECT reelgate_end_call(%s, %s, %s)"


async def end(
    direct: Direct, generation_id: UUID, *, seconds_ago: float, now: datetime | None
) -> None:
    """Records that the call which made this generation was answered in full; nothing if none did,
    or if that is known. `now` None: by the database's clock."""
    await direct.one(_END, (generation_id, seconds_ago, now))


async def prune(tx: Tx) -> None:
    """Deletes calls after two hours, at most a thousand at a time: no SDK repeats one so long."""
    await tx.execute(
        text(
            "DELETE FROM unmarked_calls WHERE (api_key_id, fingerprint) IN"
            " (SELECT api_key_id, fingerprint FROM unmarked_calls"
            " WHERE created_at < now() - interval '2 hours' LIMIT 1000)"
        )
    )
