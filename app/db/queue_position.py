"""What a queued generation waits for. Reads the job library's table together with ours, to need one
round trip."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx
from app.db.upstream_keys import USABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePosition:
    """What decides when a queued generation is sent. `position` is 1 for the next one,
    `MOST_COUNTED` for that and all after it, None if it is being sent. `keys` counts the upstream
    keys that some worker has configured, `usable_keys` those that may be used now. `keys_back_at`
    is when the first of the others may be used again."""

    position: int | None
    paused: bool
    keys: int
    usable_keys: int
    keys_back_at: datetime | None


#: A long queue is not counted to its end: many ask, and often.
MOST_COUNTED = 1_000

#: Whether nothing is being sent upstream: an operator paused it, or no key may be used.
SUBMISSION_HELD_UP = f"""(
    (SELECT p.paused FROM pauses p WHERE p.name = 'submission')
    OR (SELECT count(*) > 0 AND bool_and(NOT ({USABLE}))
          FROM upstream_keys k WHERE k.seen_at > now() - interval '2 minutes'))"""  # noqa: S608

#: Of the queued generation `{id}`, a query.
QUEUE_POSITION = f"""
    SELECT reelgate_queue_position(CAST({{id}} AS uuid), {MOST_COUNTED}) AS position,
           (SELECT p.paused FROM pauses p WHERE p.name = 'submission') AS paused,
           count(k.id) AS keys,
           count(k.id) FILTER (WHERE {USABLE}) AS usable_keys,
           min(coalesce(k.return_at, k.breaker_until)) AS keys_back_at
      FROM upstream_keys k WHERE k.seen_at > now() - interval '2 minutes'
"""  # noqa: S608
_QUEUE_POSITION = text(QUEUE_POSITION.format(id=":id"))


async def queue_position_of(tx: Tx, generation_id: UUID) -> QueuePosition:
    """Of a queued generation, in one round trip."""
    row = (await tx.execute(_QUEUE_POSITION, {"id": str(generation_id)})).one()
    return QueuePosition(**row._mapping)


def from_json(found: dict[str, Any]) -> QueuePosition:
    """From a row of it as `jsonb`, whose instants are text."""
    back = found["keys_back_at"]
    return QueuePosition(
        **{**found, "keys_back_at": None if back is None else datetime.fromisoformat(back)}
    )
