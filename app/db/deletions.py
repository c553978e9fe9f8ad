"""Deletes files of generations: first the row, then the bytes.

A deleted file keeps its path until its bytes are removed. So wherever a deletion is interrupted, no
row promises a missing file, and no file is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx


async def delete_videos(tx: Tx, generation_id: UUID, *, reason: str, by: UUID) -> bool:
    """Marks every file that a generation has or may still get as deleted, with an event."""
    result = await tx.execute(
        text(
            """
            WITH deleted AS (
                UPDATE assets SET state = 'deleted', source_link = NULL,
                       source_expires_at = NULL, last_error = NULL
                 WHERE generation_id = :id AND state IN ('pending', 'archived', 'set_aside')
                RETURNING generation_id
            )
            INSERT INTO events (generation_id, team_id, member_id, type, data)
            SELECT id, team_id, member_id, 'video.deleted',
                   jsonb_build_object('reason', CAST(:reason AS text), 'by', CAST(:by AS text))
              FROM generations WHERE id IN (SELECT generation_id FROM deleted)
            """
        ),
        {"id": generation_id, "reason": reason, "by": str(by)},
    )
    if result.rowcount > 0:
        await _end_shares(tx, generation_id)
    return result.rowcount > 0


async def _end_shares(tx: Tx, generation_id: UUID | None = None) -> None:
    """Of this video, or of all that are deleted. A statement of its own: it sees a share for whose
    end the one before had to wait."""
    await tx.execute(
        text(
            """
            DELETE FROM shares s USING assets a
             WHERE a.generation_id = s.generation_id AND a.kind = 'video' AND a.state = 'deleted'
               AND (CAST(:id AS uuid) IS NULL OR s.generation_id = :id)
            """
        ),
        {"id": generation_id},
    )


async def delete_expired(tx: Tx, *, now: datetime | None, limit: int) -> int:
    """Marks videos that are past their team's retention as deleted, each team's oldest first;
    returns how many. Reads no others, so that a round costs nothing while none is due. Rows that
    another transaction has locked are left for the next time."""
    result = await tx.execute(
        text(
            """
            WITH due AS (
                SELECT a.id FROM teams t
                 CROSS JOIN LATERAL (
                    SELECT a.id FROM assets a
                     WHERE a.state = 'archived' AND a.team_id = t.id
                       AND a.archived_at < coalesce(CAST(:now AS timestamptz), now())
                                           - make_interval(days => t.retention_days)
                     ORDER BY a.archived_at LIMIT :limit
                       FOR NO KEY UPDATE SKIP LOCKED) a
                 WHERE t.retention_days IS NOT NULL LIMIT :limit
            ), deleted AS (
                UPDATE assets a SET state = 'deleted' FROM due WHERE a.id = due.id
                RETURNING a.generation_id
            )
            INSERT INTO events (generation_id, team_id, member_id, type, data)
            SELECT id, team_id, member_id, 'video.deleted', '{"reason": "retention"}'
              FROM generations WHERE id IN (SELECT generation_id FROM deleted)
            """
        ),
        {"now": now, "limit": limit},
    )
    if result.rowcount:
        await _end_shares(tx)
    return int(result.rowcount)


async def has_video(tx: Tx, generation_id: UUID) -> bool:
    """Whether there is a video, or may be one. Until the end of this transaction nobody deletes
    it."""
    rows = await tx.execute(
        text(
            "SELECT FROM assets WHERE generation_id = :id AND kind = 'video'"
            " AND state IN ('pending', 'archived', 'set_aside') FOR SHARE"
        ),
        {"id": generation_id},
    )
    return rows.one_or_none() is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """A deleted file whose bytes may still be in the archive."""

    id: int
    generation_id: UUID
    path: str


async def list_leftovers(
    tx: Tx, *, after: int = 0, limit: int, generation_id: UUID | None = None
) -> list[Leftover]:
    rows = await tx.execute(
        text(
            """
            SELECT id, generation_id, path FROM assets
             WHERE state = 'deleted' AND path IS NOT NULL AND id > :after
               AND (CAST(:generation AS uuid) IS NULL OR generation_id = :generation)
             ORDER BY id LIMIT :limit
            """
        ),
        {"after": after, "limit": limit, "generation": generation_id},
    )
    return [Leftover(**row._mapping) for row in rows]


async def mark_removed(tx: Tx, asset_id: int) -> None:
    """Records that the bytes of a deleted file are removed."""
    await tx.execute(
        text("UPDATE assets SET path = NULL WHERE id = :id AND state = 'deleted'"),
        {"id": asset_id},
    )
