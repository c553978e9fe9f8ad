"""Files of generations."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingVideo:
    """A video whose bytes are not in the archive yet. `link` is a presigned URL."""

    generation_id: UUID
    link: str | None = field(repr=False)
    link_expires_at: datetime | None
    attempts: int
    created_at: datetime


async def create_video(
    tx: Tx, generation_id: UUID, *, link: str | None, link_expires_at: datetime
) -> None:
    await tx.execute(
        text(
            """
            INSERT INTO assets (generation_id, kind, source_link, source_expires_at)
            VALUES (:id, 'video', :link, :expires)
            """
        ),
        {"id": generation_id, "link": link, "expires": link_expires_at},
    )


async def find_pending_video(tx: Tx, generation_id: UUID) -> PendingVideo | None:
    row = (
        await tx.execute(
            text(
                """
                SELECT generation_id, source_link AS link, source_expires_at AS link_expires_at,
                       attempts, created_at
                  FROM assets WHERE generation_id = :id AND kind = 'video' AND state = 'pending'
                """
            ),
            {"id": generation_id},
        )
    ).one_or_none()
    return None if row is None else PendingVideo(**row._mapping)


async def renew_link(tx: Tx, generation_id: UUID, *, link: str, link_expires_at: datetime) -> None:
    await tx.execute(
        text(
            """
            UPDATE assets SET source_link = :link, source_expires_at = :expires
             WHERE generation_id = :id AND kind = 'video' AND state = 'pending'
            """
        ),
        {"id": generation_id, "link": link, "expires": link_expires_at},
    )


async def mark_archived(
    tx: Tx,
    generation_id: UUID,
    *,
    path: str,
    size_bytes: int,
    sha256: str,
    duration_seconds: float,
    width: int,
    height: int,
    codec: str,
    mismatch: str | None,
) -> bool:
    """True where the video was still pending. The presigned link is forgotten."""
    result = await tx.execute(
        text(
            """
            UPDATE assets SET state = 'archived', path = :path, size_bytes = :size_bytes,
                   sha256 = :sha256, duration_seconds = :duration_seconds, width = :width,
                   height = :height, codec = :codec, mismatch = :mismatch, archived_at = now(),
                   source_link = NULL, source_expires_at = NULL, last_error = NULL
             WHERE generation_id = :id AND kind = 'video' AND state = 'pending'
            """
        ),
        {
            "id": generation_id, "path": path, "size_bytes": size_bytes, "sha256": sha256,
            "duration_seconds": duration_seconds, "width": width, "height": height,
            "codec": codec, "mismatch": mismatch,
        },
    )  # fmt: skip
    return result.rowcount == 1


async def record_failure(tx: Tx, generation_id: UUID, *, error: str, lost: bool) -> None:
    """Counts a failed try; `lost` gives the video up and forgets its dead link."""
    await tx.execute(
        text(
            """
            UPDATE assets SET attempts = attempts + 1, last_error = :error,
                   state = CASE WHEN :lost THEN 'lost' ELSE state END,
                   source_link = CASE WHEN :lost THEN NULL ELSE source_link END
             WHERE generation_id = :id AND kind = 'video' AND state = 'pending'
            """
        ),
        {"id": generation_id, "error": error, "lost": lost},
    )
