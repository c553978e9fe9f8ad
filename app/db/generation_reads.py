"""A generation, and the caller who asks for it with a key, in one round trip. Clients poll, so this
is the most frequent statement of all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.db import api_keys, favorites, generations, ledger, queue_position
from app.db.queue_position import QueuePosition
from app.db.session import Database
from app.domain.caller import Caller
from app.domain.generation import Generation


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`caller` is None if nobody has the key. `generation` is the one of this id, if it is the
    caller's; or, of a `find_of_team`, anybody's in the caller's team: who may see that is left to
    decide."""

    caller: Caller | None
    generation: Generation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOwn(Found):
    """With what the member has used of its own account in the present period."""

    used_credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOfTeam(Found):
    """With what it waits for, while it is queued, and whether the caller marked it."""

    queue: QueuePosition | None
    favorite: bool


_USED = ledger.USED_BY_MEMBER.format(member="m.id", now="s.now")
_QUEUE = queue_position.QUEUE_POSITION.format(id="g.id")


def _statement(whose: str, *more: str) -> str:
    columns = "".join(f", {each} AS more_{number}" for number, each in enumerate(more))
    return f"""
        SELECT {api_keys.CALLER_COLUMNS}, {generations.SELECTED}{columns}
          FROM (SELECT coalesce(CAST(%s AS timestamptz), now()) AS now) s
          JOIN api_keys k ON k.secret_sha256 = %s AND k.revoked_at IS NULL
                         AND (k.expires_at IS NULL OR k.expires_at > s.now)
          JOIN members m ON m.id = k.member_id JOIN teams t ON t.id = m.team_id
          LEFT JOIN generations g ON g.id = %s AND {whose}
          LEFT JOIN assets a ON a.generation_id = g.id AND a.kind = 'video'
    """  # noqa: S608


_OWN = _statement("g.member_id = m.id")
_OWN_AND_USED = _statement("g.member_id = m.id", _USED)
_OF_TEAM = _statement(
    "g.team_id = t.id",
    f"CASE WHEN g.state = 'queued' THEN (SELECT to_jsonb(q) FROM ({_QUEUE}) q) END",  # noqa: S608
    favorites.IS_FAVORITE,
)


async def find_own(
    db: Database, digest: bytes, generation_id: UUID | None, *, now: datetime | None
) -> Found:
    """`digest` is the SHA-256 of the key. An id of None finds the caller only. Raises
    `Unavailable`."""
    caller, generation, _ = await _find(_OWN, db, digest, generation_id, now)
    return Found(caller=caller, generation=generation)


async def find_own_and_used(
    db: Database, digest: bytes, generation_id: UUID | None, *, now: datetime | None
) -> FoundOwn:
    caller, generation, more = await _find(_OWN_AND_USED, db, digest, generation_id, now)
    used = int(more[0] or 0) if more else 0
    return FoundOwn(caller=caller, generation=generation, used_credits=used)


async def find_of_team(
    db: Database, digest: bytes, generation_id: UUID, *, now: datetime | None
) -> FoundOfTeam:
    caller, generation, more = await _find(_OF_TEAM, db, digest, generation_id, now)
    found, favorite = more or (None, False)
    queue = None if found is None else queue_position.from_json(found)
    return FoundOfTeam(caller=caller, generation=generation, queue=queue, favorite=favorite)


async def _find(
    statement: str, db: Database, digest: bytes, generation_id: UUID | None, now: datetime | None
) -> tuple[Caller | None, Generation | None, tuple[Any, ...]]:
    """With what the statement asks for besides; nothing where nobody has the key."""
    row = await db.direct.one(statement, (now, digest, generation_id))
    if row is None:
        return None, None, ()
    values = tuple(row.values())
    count = api_keys.CALLER_COLUMNS_COUNT
    # Without its id there is none.
    generation = None if values[count] is None else generations.generation_of(values[count:])
    more = values[count + generations.SELECTED_COUNT :]
    return api_keys.caller_of(values[:count]), generation, more
