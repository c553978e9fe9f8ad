"""Events in an order in which a reader misses none: nothing is inserted before its position.

An event gets its id when it is written, and becomes visible when it is committed, so a higher id
may become visible first. Events are therefore read in the order (transaction, id), and only those
of transactions below the oldest running one: all of these have ended, and no later transaction gets
a lower number.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.db.session import Tx

#: (transaction, event id): the position of a reader, who has read everything up to it.
EventPosition = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a generation: `type` is `generation.<state>`, `video.archived` or
    `video.deleted`. Or to the credits of a member, or of a team if `member_id` is None: then
    `content` is what its readers are told."""

    id: int
    txid: int
    generation_id: UUID | None
    team_id: UUID
    member_id: UUID | None
    type: str
    created_at: datetime
    content: Mapping[str, Any] | None

    @property
    def position(self) -> EventPosition:
        return (self.txid, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """An event with its details, which are for operators: reasons, attempts, credits.
    `upstream_key` is the label of the key that an attempt was sent with."""

    type: str
    created_at: datetime
    data: Mapping[str, Any]
    upstream_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Whose events a reader gets: those of one generation, one member, or a whole team."""

    generation_id: UUID | None = None
    member_id: UUID | None = None
    team_id: UUID | None = None


def audiences(event: Event) -> list[Whose]:
    """Everybody who gets this event."""
    found = [Whose(team_id=event.team_id)]
    if event.member_id is not None:
        found.append(Whose(member_id=event.member_id))
    if event.generation_id is not None:
        found.append(Whose(generation_id=event.generation_id))
    return found


_COLUMNS = (
    "e.id, e.txid, e.generation_id, e.team_id, e.member_id, e.type, e.created_at,"
    " CASE WHEN e.generation_id IS NULL THEN e.data END AS content"
)
_READABLE = "e.txid < (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint"

_AFTER = text(
    "SELECT " + _COLUMNS + " FROM events e WHERE (e.txid, e.id) > (:txid, :id)"  # noqa: S608
    " AND " + _READABLE + " ORDER BY e.txid, e.id LIMIT :limit"
)  # fmt: skip
_LAST = text(
    "SELECT e.txid, e.id FROM events e WHERE " + _READABLE +  # noqa: S608
    " ORDER BY e.txid DESC, e.id DESC LIMIT 1"
)  # fmt: skip


def _event(row: Row[Any]) -> Event:
    return Event(**row._mapping)


_TELL = text(
    "SELECT reelgate_tell(:team_id, CAST(:member_id AS uuid), :type, CAST(:content AS jsonb),"
    " coalesce(CAST(:now AS timestamptz), clock_timestamp()))"
)


async def tell(
    tx: Tx, type_: str, *, team_id: UUID, member_id: UUID | None, content: str, now: datetime | None
) -> None:
    """An event about the credits of a member, or of a team, with its webhooks. `content` is JSON.
    `now` None: by the database's clock."""
    await tx.execute(
        _TELL,
        {"team_id": team_id, "member_id": member_id, "type": type_, "content": content, "now": now},
    )


async def last_position(tx: Tx) -> EventPosition:
    """The position after all readable events."""
    row = (await tx.execute(_LAST)).one_or_none()
    return (0, 0) if row is None else (row.txid, row.id)


async def after(tx: Tx, position: EventPosition, *, limit: int) -> list[Event]:
    """The readable events of everybody after this position, in order."""
    rows = await tx.execute(_AFTER, {"txid": position[0], "id": position[1], "limit": limit})
    return [_event(row) for row in rows]


def _of(whose: Whose, found: str) -> tuple[str, dict[str, Any]]:
    """SQL: what `found` selects of one reader's events `e`, by an index that has them in order. Of
    a team it is found for each of its members, and of what is the team's alone."""
    if whose.generation_id is not None:
        return found.format("e.generation_id = :whose"), {"whose": whose.generation_id}
    if whose.member_id is not None:
        return found.format("e.member_id = :whose"), {"whose": whose.member_id}
    each = found.format("e.member_id = m.id")
    apart = found.format("e.team_id = :whose AND e.member_id IS NULL")
    of_all = (
        f"SELECT e.* FROM members m, LATERAL ({each}) e WHERE m.team_id = :whose"  # noqa: S608
        f" UNION ALL ({apart})"
    )
    return of_all, {"whose": whose.team_id}


_REPLAY = (
    f"SELECT {_COLUMNS} FROM events e WHERE {{}} AND (e.txid, e.id) > (:txid, :id)"  # noqa: S608
    f" AND {_READABLE} ORDER BY e.txid, e.id LIMIT :limit"
)
_NEWEST = (
    f"SELECT e.txid, e.id FROM events e WHERE {{}} AND {_READABLE}"  # noqa: S608
    " ORDER BY e.txid DESC, e.id DESC LIMIT 1"
)


async def replay(tx: Tx, whose: Whose, position: EventPosition, *, limit: int) -> list[Event]:
    """The readable events of one reader after this position, in order."""
    found, values = _of(whose, _REPLAY)
    rows = await tx.execute(
        text(f"SELECT * FROM ({found}) e ORDER BY txid, id LIMIT :limit"),  # noqa: S608
        {**values, "txid": position[0], "id": position[1], "limit": limit},
    )
    return [_event(row) for row in rows]


async def newest_position(tx: Tx, whose: Whose) -> EventPosition:
    """The position of a reader's newest readable event, or the beginning. Every later event of
    theirs is not readable yet."""
    found, values = _of(whose, _NEWEST)
    newest = f"SELECT * FROM ({found}) e ORDER BY txid DESC, id DESC LIMIT 1"  # noqa: S608
    row = (await tx.execute(text(newest), values)).one_or_none()
    return (0, 0) if row is None else (row.txid, row.id)


async def history(tx: Tx, generation_id: UUID) -> list[Past]:
    """All that is kept of a generation, oldest first."""
    rows = await tx.execute(
        text(
            """
            SELECT e.type, e.created_at, e.data - 'upstream_key_id' AS data,
                   u.label AS upstream_key
              FROM events e
              LEFT JOIN upstream_keys u ON u.id = CAST(e.data ->> 'upstream_key_id' AS integer)
             WHERE e.generation_id = :id ORDER BY e.id
            """
        ),
        {"id": generation_id},
    )
    return [Past(**row._mapping) for row in rows]


async def has_readable_end(
    tx: Tx, generation_id: UUID, *, types: Collection[str], ended: bool
) -> bool:
    """Whether an event of one of these types, which end a generation, is readable. Also True for a
    generation that has `ended` and whose event has been pruned."""
    seen = (
        await tx.execute(
            text(
                f"SELECT count(*) AS there, count(*) FILTER (WHERE {_READABLE})"  # noqa: S608
                " AS readable FROM events e WHERE e.generation_id = :id AND e.type = ANY(:types)"
            ),
            {"id": generation_id, "types": list(types)},
        )
    ).one()
    return bool(seen.readable or (ended and not seen.there))


async def position_of(tx: Tx, event_id: int) -> EventPosition:
    """The position after this event. An event that is no longer kept came before all that are; one
    that never existed gives the newest position."""
    row = (
        await tx.execute(
            text("SELECT txid, id FROM events WHERE id <= :id ORDER BY id DESC LIMIT 1"),
            {"id": event_id},
        )
    ).one_or_none()
    return (0, 0) if row is None else (row.txid, row.id)


async def prune(tx: Tx, *, days: int, states: Collection[str], limit: int = 5_000) -> int:
    """Deletes old events of generations in these states, and of credits; returns how many. Checks
    only the oldest `limit`, so that a round is short."""
    result = await tx.execute(
        text(
            """
            WITH oldest AS (
                SELECT id, generation_id, created_at FROM events ORDER BY id LIMIT :limit
            )
            DELETE FROM events WHERE id IN (
                SELECT o.id FROM oldest o LEFT JOIN generations g ON g.id = o.generation_id
                 WHERE o.created_at < now() - make_interval(days => :days)
                   AND (o.generation_id IS NULL OR g.state = ANY(:states)))
            """
        ),
        {"days": days, "states": list(states), "limit": limit},
    )
    return int(result.rowcount)


async def forget_order(tx: Tx, *, limit: int) -> int:
    """For a database that was restored into another server, which counts transactions from the
    beginning: sorts the restored events before all new ones. Returns how many rows were changed, at
    most `limit`."""
    result = await tx.execute(
        text(
            "UPDATE events SET txid = 0 WHERE id IN"
            " (SELECT id FROM events WHERE txid <> 0 ORDER BY id LIMIT :limit)"
        ),
        {"limit": limit},
    )
    return int(result.rowcount)
