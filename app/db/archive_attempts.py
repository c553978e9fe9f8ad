"""The statements of every attempt to archive a video, on the driver's own connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, LiteralString
from uuid import UUID

from app.db.assets import INTERRUPTED, PendingVideo
from app.db.direct import Direct
from app.db.transitions import WORK_COLUMNS, Work, work_from


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An attempt that has begun. It writes to `path`, which no other attempt uses. `pending` is
    None if there is no video to archive. If `claimed`, the row names `path` already; otherwise it
    names the path of an earlier attempt, in `pending.path`, and this one has to claim its own."""

    work: Work
    path: str
    pending: PendingVideo | None
    claimed: bool


#: The path is that of `app.domain.generation.video_path`.
_BEGIN: Final[LiteralString] = f"""
    WITH work AS (
        SELECT {WORK_COLUMNS},
               'videos/' || to_char(created_at, 'YYYY/MM/DD/') || id || '.' || %s || '.mp4' AS path
          FROM generations WHERE id = %s
    ), begun AS (
        UPDATE assets a SET attempts = a.attempts + 1, last_error = %s,
               path = coalesce(a.path, w.path)
          FROM work w WHERE a.generation_id = w.id AND a.kind = 'video' AND a.state = 'pending'
        RETURNING a.generation_id, a.path AS video_path, a.source_link, a.source_expires_at,
                  a.attempts AS video_attempts, a.created_at AS video_created_at
    )
    SELECT * FROM work LEFT JOIN begun ON generation_id = id
"""  # noqa: S608 - a constant


async def begin(direct: Direct, generation_id: UUID, *, token: str) -> Begun | None:
    """Counts an attempt before it begins, so that it counts even if its process is killed, and
    claims a path made with `token` unless the row names one of an earlier attempt. None if there is
    no such generation."""
    row = await direct.one(_BEGIN, (token, generation_id, INTERRUPTED))
    if row is None:
        return None
    path, named = row["path"], row["video_path"]
    pending = None
    if named is not None:
        pending = PendingVideo(
            generation_id=generation_id,
            path=None if named == path else named,
            link=row["source_link"],
            link_expires_at=row["source_expires_at"],
            attempts=row["video_attempts"],
            created_at=row["video_created_at"],
        )
    return Begun(work=work_from(row), path=path, pending=pending, claimed=named == path)


#: Its commit is not flushed at once: this has to outlive the process that reads, not a power cut.
_BEGIN_READING: Final[LiteralString] = """
    UPDATE assets SET unfinished_reads = unfinished_reads + 1
     WHERE generation_id = %s AND kind = 'video' AND unfinished_reads < %s
       AND set_config('synchronous_commit', 'off', true) = 'off'
    RETURNING unfinished_reads
"""
_END_READING: Final[LiteralString] = """
    UPDATE assets SET unfinished_reads = 0
     WHERE generation_id = %s AND kind = 'video'
       AND set_config('synchronous_commit', 'off', true) = 'off'
    RETURNING id
"""


async def begin_reading(direct: Direct, generation_id: UUID, *, most: int) -> int | None:
    """Counts a read of the file before it begins. Returns how many reads in a row have begun
    without ending; None if that is `most` already."""
    row = await direct.one(_BEGIN_READING, (generation_id, most))
    return None if row is None else int(row["unfinished_reads"])


async def end_reading(direct: Direct, generation_id: UUID) -> None:
    """Resets the count: the process that read the file has ended normally, whatever it found."""
    await direct.one(_END_READING, (generation_id,))
