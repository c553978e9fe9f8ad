"""Links to one video for people without a key: made, found by their secret, ended."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db.generations import FROM, SELECTED, generation_of
from app.db.session import Tx
from app.domain.generation import Generation
from app.domain.sharing import Share

_COLUMNS = ", ".join(f"s.{field.name}" for field in fields(Share))
#: `:now` is null for the database's own clock.
_NOW = "coalesce(CAST(:now AS timestamptz), now())"

_ADD = text(
    f"""
    INSERT INTO shares AS s (id, generation_id, member_id, api_key_id, secret_sha256, created_at,
                             expires_at)
    VALUES (:id, :generation_id, :member_id, :key_id, :digest, {_NOW},
            {_NOW} + make_interval(secs => :seconds))
    RETURNING {_COLUMNS}
    """  # noqa: S608
)
_LIST = text(
    f"""
    SELECT {_COLUMNS} FROM shares s
     WHERE s.generation_id = :generation_id AND s.expires_at > {_NOW}
     ORDER BY s.created_at DESC, s.id DESC
    """  # noqa: S608
)
#: A link does no more than who made it may do now.
_FIND = text(
    f"""
    SELECT {SELECTED} {FROM}
      JOIN shares s ON s.generation_id = g.id
      JOIN members m ON m.id = s.member_id JOIN teams t ON t.id = m.team_id
     WHERE s.id = :id AND s.secret_sha256 = :digest AND s.expires_at > {_NOW}
       AND m.status = 'ACTIVE' AND t.status = 'ACTIVE'
       AND m.ended_at IS NULL AND t.ended_at IS NULL
       AND (g.member_id = m.id OR m.role = 'ADMIN' AND g.team_id = t.id)
    """
)


async def lock_generation(tx: Tx, generation_id: UUID) -> None:
    """So that shares of it are counted and made one after the other."""
    await tx.execute(
        text("SELECT FROM generations WHERE id = :id FOR NO KEY UPDATE"), {"id": generation_id}
    )


async def add(
    tx: Tx, share_id: UUID, generation_id: UUID, *, member_id: UUID, key_id: UUID, digest: bytes,
    seconds: int, now: datetime | None,
) -> Share:  # fmt: skip
    rows = await tx.execute(
        _ADD,
        {"id": share_id, "generation_id": generation_id, "member_id": member_id, "key_id": key_id,
         "digest": digest, "seconds": seconds, "now": now},
    )  # fmt: skip
    return Share(**rows.one()._mapping)


async def list_shares(tx: Tx, generation_id: UUID, *, now: datetime | None) -> list[Share]:
    """Those that have not ended, newest first."""
    rows = await tx.execute(_LIST, {"generation_id": generation_id, "now": now})
    return [Share(**row._mapping) for row in rows]


async def find_generation(
    tx: Tx, share_id: UUID, digest: bytes, *, now: datetime | None
) -> Generation | None:
    """What the link with this secret opens now, if anything."""
    rows = await tx.execute(_FIND, {"id": share_id, "digest": digest, "now": now})
    row = rows.one_or_none()
    return None if row is None else generation_of(row)


async def end(tx: Tx, share_id: UUID, generation_id: UUID) -> bool:
    """False if there is none."""
    result = await tx.execute(
        text("DELETE FROM shares WHERE id = :id AND generation_id = :generation_id"),
        {"id": share_id, "generation_id": generation_id},
    )
    return result.rowcount > 0


async def end_of_key(tx: Tx, key_id: UUID) -> list[UUID]:
    """Ends all that were made with a key; returns their ids."""
    rows = await tx.execute(
        text("DELETE FROM shares WHERE api_key_id = :key_id RETURNING id"), {"key_id": key_id}
    )
    return [row.id for row in rows]


async def prune(tx: Tx, *, limit: int = 5_000) -> int:
    """Deletes those that have ended; returns how many."""
    result = await tx.execute(
        text(
            "DELETE FROM shares WHERE id IN ("
            "SELECT id FROM shares WHERE expires_at < now() ORDER BY expires_at LIMIT :limit)"
        ),
        {"limit": limit},
    )
    return int(result.rowcount)
