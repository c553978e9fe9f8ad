"""The files of generations; `AssetState` documents the states.

While a video is pending, `path` is where the latest attempt writes. A deleted file keeps its path
until its bytes are removed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db import archived, backlog, jobs
from app.db.backlog import Backlog
from app.db.session import Tx
from app.domain.assets import AssetState, Probe, Stored

#: The `last_error` of an attempt in progress. It stays if the process is killed.
INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingVideo:
    """A video that is not known to be archived; an attempt may have written its bytes to `path`.
    `link` is a presigned URL. `attempts` includes the current one."""

    generation_id: UUID
    path: str | None
    link: str | None = field(repr=False)
    link_expires_at: datetime | None
    attempts: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of a generation, with what was tried to archive it. `kind` is video or thumbnail."""

    kind: str
    state: AssetState
    path: str | None
    size_bytes: int | None
    sha256: str | None
    mismatch: str | None
    attempts: int
    last_error: str | None
    archived_at: datetime | None


async def files_of(tx: Tx, generation_id: UUID) -> list[File]:
    rows = await tx.execute(
        text(
            """
            SELECT kind, state, path, size_bytes, sha256, mismatch, attempts, last_error,
                   archived_at
              FROM assets WHERE generation_id = :id ORDER BY id
            """
        ),
        {"id": generation_id},
    )
    return [File(**{**row._mapping, "state": AssetState(row.state)}) for row in rows]


async def create_video(
    tx: Tx, generation_id: UUID, *, link: str | None, link_expires_at: datetime,
    path: str | None,
) -> None:  # fmt: skip
    """Inserts a pending video. `path` is where its bytes may already be."""
    await tx.execute(
        text(
            """
            INSERT INTO assets (generation_id, team_id, kind, source_link, source_expires_at, path)
            SELECT id, team_id, 'video', :link, :expires, :path FROM generations WHERE id = :id
            """
        ),
        {"id": generation_id, "link": link, "expires": link_expires_at, "path": path},
    )


async def find_pending_video(tx: Tx, generation_id: UUID) -> PendingVideo | None:
    row = (
        await tx.execute(
            text(
                """
                SELECT generation_id, path, source_link AS link,
                       source_expires_at AS link_expires_at, attempts, created_at
                  FROM assets WHERE generation_id = :id AND kind = 'video' AND state = 'pending'
                """
            ),
            {"id": generation_id},
        )
    ).one_or_none()
    return None if row is None else PendingVideo(**row._mapping)


async def claim_path(tx: Tx, generation_id: UUID, *, path: str) -> tuple[bool, str | None]:
    """Makes `path` the only one under which the video may be archived. Returns whether the video is
    pending, and the path of an earlier attempt, which no row names any more."""
    row = (
        await tx.execute(
            text(
                """
                WITH before AS (
                    SELECT id, path FROM assets
                     WHERE generation_id = :id AND kind = 'video' AND state = 'pending'
                       FOR NO KEY UPDATE
                )
                UPDATE assets a SET path = :path FROM before b WHERE a.id = b.id RETURNING b.path
                """
            ),
            {"id": generation_id, "path": path},
        )
    ).one_or_none()
    return (False, None) if row is None else (True, row.path)


async def retry(tx: Tx, generation_id: UUID) -> bool:
    """Makes a video that is lost or set aside pending again, as if it were new. True if there is
    one."""
    result = await tx.execute(
        text(
            "UPDATE assets SET state = 'pending', attempts = 0, unfinished_reads = 0,"
            " last_error = NULL, created_at = now()"
            " WHERE generation_id = :id AND kind = 'video' AND state IN ('lost', 'set_aside')"
        ),
        {"id": generation_id},
    )
    return result.rowcount == 1


async def set_aside(tx: Tx, generation_id: UUID, stored: Stored, *, error: str) -> bool:
    """Keeps the file and lets nothing read it any more. True if the video was still pending and no
    later attempt has claimed it."""
    result = await tx.execute(
        text(
            """
            UPDATE assets SET state = 'set_aside', size_bytes = :size_bytes, sha256 = :sha256,
                   source_link = NULL, source_expires_at = NULL, last_error = :error
             WHERE generation_id = :id AND kind = 'video' AND state = 'pending' AND path = :path
            """
        ),
        {"id": generation_id, "error": error, **asdict(stored)},
    )
    return result.rowcount == 1


async def accept(tx: Tx, generation_id: UUID) -> bool:
    """Archives a video that is set aside as it is, without describing it. True if there is one."""
    result = await tx.execute(
        text(
            "UPDATE assets SET state = 'archived', archived_at = now()"
            " WHERE generation_id = :id AND kind = 'video' AND state = 'set_aside'"
        ),
        {"id": generation_id},
    )
    if result.rowcount == 1:
        await archived.tell(tx, generation_id)
    return result.rowcount == 1


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
    tx: Tx, generation_id: UUID, stored: Stored, seen: Probe, *, mismatch: str | None
) -> bool:
    """True if the video was still pending and no later attempt has claimed it, and if this call is
    repeated: each attempt has a path of its own."""
    result = await tx.execute(
        text(
            """
            UPDATE assets SET state = 'archived', path = :path, size_bytes = :size_bytes,
                   sha256 = :sha256, duration_seconds = :duration_seconds, width = :width,
                   height = :height, codec = :codec, mismatch = :mismatch, archived_at = now(),
                   source_link = NULL, source_expires_at = NULL, last_error = NULL,
                   unfinished_reads = 0
             WHERE generation_id = :id AND kind = 'video'
               AND (state = 'pending' AND path IS NULL
                    OR state IN ('pending', 'archived') AND path = :path)
            """
        ),
        {"id": generation_id, "mismatch": mismatch, **asdict(stored), **asdict(seen)},
    )
    if result.rowcount == 1:
        await archived.tell(tx, generation_id)
    return result.rowcount == 1


async def record_failure(tx: Tx, generation_id: UUID, *, error: str, lost: bool) -> bool:
    """Records why an attempt failed. `lost` gives up the video and removes its expired link. True
    if the video was still pending."""
    result = await tx.execute(
        text(
            """
            UPDATE assets SET last_error = :error,
                   state = CASE WHEN :lost THEN 'lost' ELSE state END,
                   source_link = CASE WHEN :lost THEN NULL ELSE source_link END
             WHERE generation_id = :id AND kind = 'video' AND state = 'pending'
            """
        ),
        {"id": generation_id, "error": error, "lost": lost},
    )
    return result.rowcount == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Unarchived:
    """A video that is not safely in the archive, as an operator sees it."""

    generation_id: UUID
    state: AssetState
    attempts: int
    last_error: str | None
    path: str | None
    created_at: datetime


async def list_unarchived(tx: Tx, *, limit: int) -> list[Unarchived]:
    """Oldest first, without those whose first attempt has not begun."""
    rows = await tx.execute(
        text(
            """
            SELECT generation_id, state, attempts, last_error, path, created_at FROM assets
             WHERE state IN ('pending', 'set_aside', 'lost')
               AND (state <> 'pending' OR attempts > 0)
             ORDER BY created_at LIMIT :limit
            """
        ),
        {"limit": limit},
    )
    return [Unarchived(**{**row._mapping, "state": AssetState(row.state)}) for row in rows]


async def unarchived(tx: Tx, *, team_id: UUID | None = None) -> dict[str, Backlog]:
    """Files that are not safely in the archive, by their state."""
    return await backlog.by_state(
        tx, "assets WHERE state IN ('pending', 'set_aside', 'lost')", team_id=team_id
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file that the archive should hold."""

    id: int
    generation_id: UUID
    path: str
    size_bytes: int
    sha256: str


async def list_kept(
    tx: Tx,
    *,
    after: int = 0,
    limit: int,
    team_id: UUID | None = None,
    archived_from: datetime | None = None,
) -> list[Kept]:
    """In the order of their ids, after the id `after`."""
    rows = await tx.execute(
        text(
            """
            SELECT a.id, a.generation_id, a.path, a.size_bytes, a.sha256
              FROM assets a
             WHERE a.state = 'archived' AND a.id > :after
               AND (CAST(:team AS uuid) IS NULL OR a.team_id = :team)
               AND (CAST(:since AS timestamptz) IS NULL OR a.archived_at >= :since)
             ORDER BY a.id LIMIT :limit
            """
        ),
        {"after": after, "limit": limit, "team": team_id, "since": archived_from},
    )
    return [Kept(**row._mapping) for row in rows]


async def is_kept(tx: Tx, kept: Kept) -> bool:
    """Whether the archive should still hold exactly this file."""
    return bool(
        await tx.scalar(
            text(
                "SELECT EXISTS (SELECT FROM assets WHERE id = :id AND state = 'archived'"
                " AND path = :path AND sha256 = :sha256)"
            ),
            {"id": kept.id, "path": kept.path, "sha256": kept.sha256},
        )
    )


async def video_files(tx: Tx, ids: Collection[UUID]) -> dict[UUID, tuple[AssetState, str | None]]:
    """State and path of the videos of these generations. Those without a video are left out."""
    rows = await tx.execute(
        text(
            "SELECT generation_id, state, path FROM assets"
            " WHERE generation_id = ANY(:ids) AND kind = 'video'"
        ),
        {"ids": list(ids)},
    )
    return {row.generation_id: (AssetState(row.state), row.path) for row in rows}


async def enqueue_missing(tx: Tx) -> list[str]:
    """Makes a job for every pending video that has none."""
    return await jobs.enqueue_missing(
        tx,
        "SELECT generation_id AS id, 'archive' AS kind, 0 AS priority FROM assets"
        " WHERE state = 'pending'",
    )
