"""Deletes videos for their owner or their team's retention.

The row is marked first, and the bytes are removed afterwards. If this were the other way round, a
crash in between would leave a row that promises a missing file. This way it leaves a file that a
row still names, which upkeep removes. Deleting a missing file is no error, so every step may be
repeated.
"""

from __future__ import annotations

import asyncio
from pathlib import PurePosixPath
from uuid import UUID

from app.db import assets, audit, deletions
from app.db.deletions import Leftover
from app.domain.assets import AssetState
from app.domain.caller import Caller
from app.domain.generation import FINAL, Generation, State
from app.errors import NotReady
from app.inputs import deletion as input_deletion
from app.runtime import VideoRuntime
from app.telemetry import logger
from app.videos.store import ArchiveError

log = logger(__name__)

#: Rows marked in one transaction, and files removed at a time.
BATCH = 100


async def delete(rt: VideoRuntime, generation: Generation, *, reason: str, by: Caller) -> None:
    """Deletes the video and the inputs, and keeps the record. Does nothing if there are none.

    Raises `NotReady` before the generation has ended. If the archive cannot be reached, callers
    lose access at once and upkeep removes the bytes later.
    """
    if generation.state not in FINAL:
        raise NotReady(_not_yet(generation.state), extra={"state": generation.state.value})
    async with rt.db.begin() as tx:
        deleted = await deletions.delete_videos(tx, generation.id, reason=reason, by=by.member_id)
        inputs = await input_deletion.release(tx, generation.id)
        if deleted:
            await audit.record(
                tx,
                by.actor,
                "video.delete",
                str(generation.id),
                reason=reason,
                team_id=generation.team_id,
            )
    await input_deletion.remove(rt, inputs)
    if deleted:
        log.info("video_deleted", generation_id=str(generation.id), reason=reason)
    try:
        async with rt.db.single() as tx:
            leftovers = await deletions.list_leftovers(tx, generation_id=generation.id, limit=BATCH)
        for leftover in leftovers:
            await _remove(rt, leftover)
    except Exception as fault:
        # For callers it is deleted; upkeep removes the bytes later.
        log.warning("video_bytes_left", generation_id=str(generation.id), exc_info=fault)


def _not_yet(state: State) -> str:
    if state is State.QUEUED:
        return "This generation is queued; there is no video yet. Cancel it instead."
    if state is State.UNKNOWN:
        return "It is not known yet whether this generation has a video, so none can be deleted."
    return f"This generation is {state}; its video can be deleted once it has ended."


async def delete_expired(rt: VideoRuntime) -> int:
    """Marks one batch of the videos that are past their team's retention; returns how many. Their
    bytes are leftovers from then on."""
    async with rt.db.begin() as tx:
        deleted = await deletions.delete_expired(tx, now=rt.clock.for_database(), limit=BATCH)
    if deleted:
        log.info("videos_expired", videos=deleted)
    return deleted


async def remove_leftovers(rt: VideoRuntime) -> bool:
    """Removes the bytes that are left of deleted files. False if some could not be removed. Gives
    up after a batch of which none could: then the archive is away."""
    after, all_gone = 0, True
    while True:
        async with rt.db.single() as tx:
            page = await deletions.list_leftovers(tx, after=after, limit=BATCH)
        if not page:
            return all_gone
        limit = asyncio.Semaphore(rt.settings.archive_concurrency)

        async def remove(leftover: Leftover, limit: asyncio.Semaphore = limit) -> bool:
            async with limit:
                return await _remove(rt, leftover)

        gone = await asyncio.gather(*(remove(leftover) for leftover in page))
        all_gone &= all(gone)
        if not any(gone):
            return False
        after = page[-1].id


async def remove_forsaken(rt: VideoRuntime, generation_id: UUID, *, folder: str) -> None:
    """Removes the files of attempts whose process died: all of them if the video was deleted
    meanwhile; if it is archived or set aside, all but the one that its row names, since no other
    attempt can be recorded any more. Raises `ArchiveError`, so that the job is tried again: nothing
    else knows of these files."""
    async with rt.db.single() as tx:
        files = await assets.video_files(tx, [generation_id])
    state, kept = files.get(generation_id, (None, None))
    if state not in (AssetState.ARCHIVED, AssetState.SET_ASIDE, AssetState.DELETED):
        return
    async for page in rt.archive.paths(folder):
        for path in page:
            of_it = PurePosixPath(path).name.startswith(f"{generation_id}.")
            if of_it and (state is AssetState.DELETED or path != kept):
                await rt.archive.delete(path)
                log.info("archiving_withdrawn", generation_id=str(generation_id))


async def _remove(rt: VideoRuntime, leftover: Leftover) -> bool:
    try:
        await rt.archive.delete(leftover.path)
    except ArchiveError as error:
        log.warning(
            "bytes_not_removed", generation_id=str(leftover.generation_id), error=str(error)
        )
        return False
    async with rt.db.single() as tx:
        await deletions.mark_removed(tx, leftover.id)
    return True
