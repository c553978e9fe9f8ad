"""The inputs that members uploaded; `InputState` documents the states.

A row is locked before it is decided whether it may be deleted, and by whoever begins to use it or
its file. So nothing is deleted that has just begun to be used.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.db.session import Tx
from app.domain.inputs import Input, InputState

_COLUMNS = ", ".join(each.name for each in fields(Input))
#: Condition on an input `i`: some generation keeps it.
_KEPT = (
    "EXISTS (SELECT FROM generation_inputs gi WHERE gi.input_id = i.id AND gi.released_at IS NULL)"
)


def _input(row: Row[Any]) -> Input:
    return Input(**{**row._mapping, "state": InputState(row.state)})


async def lock_member(tx: Tx, member_id: UUID) -> None:
    """Until the end of the transaction this member adds no other input."""
    await tx.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('reelgate inputs ' || :id, 0))"),
        {"id": str(member_id)},
    )


async def take_upload(tx: Tx, member_id: UUID, *, per_minute: int, now: datetime | None) -> float:
    """0.0 if the member may upload one image more now, which then counts; otherwise the seconds
    until it may, and nothing is counted."""
    values = {"member": member_id, "step": 60.0 / per_minute, "now": now}
    if (await tx.execute(_TAKE_UPLOAD, values)).rowcount:
        return 0.0
    over = await tx.scalar(
        text(
            "SELECT extract(epoch FROM arrival_at"
            " - coalesce(CAST(:now AS timestamptz), clock_timestamp())) + :step - 60"
            " FROM upload_rate_states WHERE member_id = :member"
        ),
        values,
    )
    return max(float(over or 0.0), 0.001)


_TAKE_UPLOAD = text(
    """
    INSERT INTO upload_rate_states AS r (member_id, arrival_at)
    VALUES (:member, coalesce(CAST(:now AS timestamptz), clock_timestamp())
                     + make_interval(secs => :step))
        ON CONFLICT (member_id) DO UPDATE
       SET arrival_at = greatest(r.arrival_at, excluded.arrival_at - make_interval(secs => :step))
                        + make_interval(secs => :step)
     WHERE r.arrival_at <= excluded.arrival_at + make_interval(secs => 60 - 2 * :step)
    """
)


async def find_same(tx: Tx, *, member_id: UUID, sha256: str, expires_at: datetime) -> Input | None:
    """The member's input with these bytes, which now expires no earlier."""
    row = (
        await tx.execute(
            text(
                f"""
                UPDATE inputs SET expires_at = greatest(expires_at, :expires)
                 WHERE member_id = :member AND sha256 = :sha256 AND state = 'ready'
                RETURNING {_COLUMNS}
                """  # noqa: S608 - the names of the columns
            ),
            {"member": member_id, "sha256": sha256, "expires": expires_at},
        )
    ).one_or_none()
    return None if row is None else _input(row)


async def find_path_in_team(tx: Tx, *, team_id: UUID, sha256: str) -> str | None:
    """Where the archive has these bytes for somebody else in the team. They stay until the end of
    the transaction."""
    found: str | None = await tx.scalar(
        text(
            "SELECT path FROM inputs WHERE team_id = :team AND sha256 = :sha256"
            " AND state = 'ready' LIMIT 1 FOR SHARE"
        ),
        {"team": team_id, "sha256": sha256},
    )
    return found


async def count_unused_bytes(tx: Tx, member_id: UUID) -> int:
    """Of a member's inputs that no generation keeps."""
    counted = await tx.scalar(
        text(
            "SELECT sum(size_bytes) FROM inputs i"  # noqa: S608 - a constant
            f" WHERE member_id = :member AND state <> 'deleted' AND NOT {_KEPT}"
        ),
        {"member": member_id},
    )
    return int(counted or 0)


async def insert(tx: Tx, made: Input) -> None:
    values = {**asdict(made), "state": made.state.value}
    names = ", ".join(f":{each.name}" for each in fields(Input))
    await tx.execute(
        text(f"INSERT INTO inputs ({_COLUMNS}) VALUES ({names})"),  # noqa: S608
        values,
    )


async def mark_ready(tx: Tx, input_id: UUID, *, expires_at: datetime) -> bool:
    """True if it was still pending. Raises `Conflict` if the member has these bytes already."""
    result = await tx.execute(
        text(
            "UPDATE inputs SET state = 'ready', expires_at = :expires"
            " WHERE id = :id AND state = 'pending'"
        ),
        {"id": input_id, "expires": expires_at},
    )
    return result.rowcount == 1


async def find_visible(
    tx: Tx, input_id: UUID, *, team_id: UUID, member_id: UUID | None
) -> Input | None:
    """An input that is ready, of this member or, without one, of anybody in the team."""
    found = await find_all_visible(tx, [input_id], team_id=team_id, member_id=member_id)
    return found[0] if found else None


async def find_all_visible(
    tx: Tx, ids: Collection[UUID], *, team_id: UUID, member_id: UUID | None
) -> list[Input]:
    rows = await tx.execute(
        text(
            f"""
            SELECT {_COLUMNS} FROM inputs
             WHERE id = ANY(:ids) AND team_id = :team AND state = 'ready'
               AND (CAST(:member AS uuid) IS NULL OR member_id = :member)
            """  # noqa: S608
        ),
        {"ids": list(ids), "team": team_id, "member": member_id},
    )
    return [_input(row) for row in rows]


async def find_many(tx: Tx, ids: Collection[UUID]) -> list[Input]:
    """Those that are ready, of anybody: for workers."""
    rows = await tx.execute(
        text(f"SELECT {_COLUMNS} FROM inputs WHERE id = ANY(:ids) AND state = 'ready'"),  # noqa: S608
        {"ids": list(ids)},
    )
    return [_input(row) for row in rows]


async def list_visible(
    tx: Tx,
    *,
    team_id: UUID,
    member_id: UUID | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Input]:
    """Those that are ready, newest first."""
    after_at, after_id = after or (None, None)
    rows = await tx.execute(
        text(
            f"""
            SELECT {_COLUMNS} FROM inputs
             WHERE team_id = :team AND state = 'ready'
               AND (CAST(:member AS uuid) IS NULL OR member_id = :member)
               AND (CAST(:at AS timestamptz) IS NULL
                    OR (created_at, id) < (CAST(:at AS timestamptz), CAST(:id AS uuid)))
             ORDER BY created_at DESC, id DESC LIMIT :limit
            """  # noqa: S608
        ),
        {"team": team_id, "member": member_id, "at": after_at, "id": after_id, "limit": limit},
    )
    return [_input(row) for row in rows]


async def lock(tx: Tx, input_id: UUID) -> bool:
    """True if it is ready. Nobody begins to use it before the end of the transaction."""
    row = await tx.execute(
        text("SELECT FROM inputs WHERE id = :id AND state = 'ready' FOR NO KEY UPDATE"),
        {"id": input_id},
    )
    return row.one_or_none() is not None


async def is_awaited(tx: Tx, input_id: UUID) -> bool:
    """Whether a generation still has to be sent with it."""
    found = await tx.scalar(
        text(
            """
            SELECT EXISTS (SELECT FROM generation_inputs gi
                             JOIN generations g ON g.id = gi.generation_id
                            WHERE gi.input_id = :id AND gi.released_at IS NULL
                              AND g.state IN ('queued', 'submitting'))
            """
        ),
        {"id": input_id},
    )
    return bool(found)


async def delete(tx: Tx, ids: Sequence[UUID]) -> None:
    await tx.execute(
        text("UPDATE inputs SET state = 'deleted' WHERE id = ANY(:ids)"), {"ids": list(ids)}
    )


async def lock_expired(tx: Tx, *, now: datetime | None, limit: int) -> list[UUID]:
    """Inputs whose time is over, locked. What somebody begins to use right now is left out."""
    rows = await tx.execute(
        text(
            f"""
            SELECT id FROM inputs i
             WHERE state <> 'deleted' AND NOT {_KEPT}
               AND expires_at < coalesce(CAST(:now AS timestamptz), now())
             ORDER BY expires_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
            """  # noqa: S608
        ),
        {"now": now, "limit": limit},
    )
    return [row.id for row in rows]


async def lock_all(tx: Tx, ids: Sequence[UUID]) -> None:
    """In an order that all take, so that nobody waits for another who waits."""
    await tx.execute(
        text("SELECT FROM inputs WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE"),
        {"ids": list(ids)},
    )


async def delete_unkept(tx: Tx, ids: Sequence[UUID]) -> list[UUID]:
    """Those of the locked `ids` that no generation keeps. A statement of its own after the lock,
    so that it sees what was committed before that."""
    rows = await tx.execute(
        text(
            "UPDATE inputs i SET state = 'deleted'"  # noqa: S608 - a constant
            f" WHERE id = ANY(:ids) AND state <> 'deleted' AND NOT {_KEPT} RETURNING id"
        ),
        {"ids": list(ids)},
    )
    return [row.id for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftInput:
    """A deleted input whose bytes may still be in the archive."""

    id: UUID
    path: str


async def list_leftovers(
    tx: Tx, *, after: UUID | None = None, limit: int, ids: Sequence[UUID] | None = None
) -> list[LeftInput]:
    rows = await tx.execute(
        text(
            """
            SELECT id, path FROM inputs
             WHERE state = 'deleted' AND path IS NOT NULL
               AND (CAST(:after AS uuid) IS NULL OR id > :after)
               AND (CAST(:ids AS uuid[]) IS NULL OR id = ANY(:ids))
             ORDER BY id LIMIT :limit
            """
        ),
        {"after": after, "limit": limit, "ids": None if ids is None else list(ids)},
    )
    return [LeftInput(**row._mapping) for row in rows]


async def is_path_used(tx: Tx, path: str) -> bool:
    """Whether some input that is not deleted has its bytes there."""
    found = await tx.scalar(
        text("SELECT EXISTS (SELECT FROM inputs WHERE path = :path AND state <> 'deleted')"),
        {"path": path},
    )
    return bool(found)


async def mark_removed(tx: Tx, input_id: UUID) -> None:
    """Records that the bytes of a deleted input are gone, or are another's."""
    await tx.execute(
        text("UPDATE inputs SET path = NULL WHERE id = :id AND state = 'deleted'"),
        {"id": input_id},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptInput:
    """A file that the archive should hold, of one or several inputs."""

    path: str
    size_bytes: int
    sha256: str


async def list_kept(
    tx: Tx, *, after: str, limit: int, team_id: UUID | None, created_from: datetime | None
) -> list[KeptInput]:
    """In the order of their paths, after the path `after`."""
    rows = await tx.execute(
        text(
            """
            SELECT DISTINCT path, size_bytes, sha256 FROM inputs
             WHERE state = 'ready' AND path > :after
               AND (CAST(:team AS uuid) IS NULL OR team_id = :team)
               AND (CAST(:since AS timestamptz) IS NULL OR created_at >= :since)
             ORDER BY path LIMIT :limit
            """
        ),
        {"after": after, "limit": limit, "team": team_id, "since": created_from},
    )
    return [KeptInput(**row._mapping) for row in rows]


async def is_kept(tx: Tx, kept: KeptInput) -> bool:
    """Whether the archive should still hold exactly this file."""
    found = await tx.scalar(
        text(
            "SELECT EXISTS (SELECT FROM inputs WHERE path = :path AND sha256 = :sha256"
            " AND state = 'ready')"
        ),
        {"path": kept.path, "sha256": kept.sha256},
    )
    return bool(found)


async def states_of(tx: Tx, paths: Collection[str]) -> dict[str, InputState]:
    """The state of the files at these paths: that of the inputs which have them, deleted only if
    all of these are."""
    rows = await tx.execute(
        text(
            "SELECT path, min(state) FILTER (WHERE state <> 'deleted') AS state"
            " FROM inputs WHERE path = ANY(:paths) GROUP BY path"
        ),
        {"paths": list(paths)},
    )
    return {row.path: InputState(row.state or InputState.DELETED) for row in rows}
