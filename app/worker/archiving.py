"""Archiving: the bytes of a video, streamed, hashed, looked into, and kept."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import aclosing
from datetime import timedelta
from pathlib import PurePosixPath
from secrets import token_hex
from uuid import UUID

from app.db import assets, transitions
from app.db.assets import PendingVideo
from app.db.jobs import Job, enqueue
from app.db.transitions import Work
from app.domain.assets import Probe, Stored
from app.domain.generation import FINAL, video_path
from app.errors import Unavailable
from app.generations import lifecycle
from app.runtime import WorkerRuntime
from app.telemetry import logger
from app.videos import deletion
from app.videos.decoder import DecoderEnded, DecoderUnavailable
from app.videos.mp4 import NotAVideo
from app.videos.probe import mismatch
from app.videos.set_aside import NotRead, counted_read
from app.videos.store import ArchiveError, Gone
from app.worker import confirming
from app.worker.downloads import NotArchived, download_video
from app.worker.persist import persisted

log = logger(__name__)

#: How long one download, or one copy, may take. A file that trickles would else keep a place for
#: ever, and a job that runs longer than any may is given to others, whose claim undoes this one's.
ATTEMPT_SECONDS = 900.0
_FIRST_RETRY_SECONDS = 5.0
_LONGEST_RETRY_SECONDS = 3600.0
#: Failures of something between the upstream and the archive, or of the gateway itself.
_PASSING = frozenset(
    {"archive_unavailable", "database_unavailable", "decoder_unavailable", "fault",
     "look_up_failed", "reset", "slow", "timeout", "truncated", "unreachable", "unresolved"}
)  # fmt: skip
_LONGEST_WAITING_SECONDS = 30 * 86_400.0


async def archive(rt: WorkerRuntime, generation_id: UUID) -> None:
    """One attempt to archive a video, or to confirm that there is one. It is counted before it
    begins, and leaves its reason however it fails. A failed one is repeated until the upstream's
    link is dead."""
    async with rt.db.single() as tx:
        work = await transitions.find_work(tx, generation_id)
        if work is None:
            return
        pending = await assets.begin_attempt(tx, generation_id)
    if work.state not in FINAL:
        await confirming.confirm(rt, work)
        return
    # A second attempt may run beside a first that was only thought dead: each has its own file, and
    # the later one's claim decides which is recorded.
    path = video_path(work.id, work.created_at, token=token_hex(4))
    try:
        others = pending is None or await _attempt(rt, work, pending, path)
    except Exception as failure:
        assert pending is not None
        await _give_up(rt, pending, path, _reason(failure, generation_id))
        return
    if others:
        await _sweep(rt, work, path)


async def _attempt(rt: WorkerRuntime, work: Work, pending: PendingVideo, path: str) -> bool:
    """Archives the video under `path`; True where other attempts may have left files that no row
    names. Raises `NotArchived` and whatever else keeps it from the archive."""
    if pending.path is not None and await _take_over(rt, work, pending.path, path):
        return True
    async with rt.db.single() as tx:
        waits, earlier = await assets.claim_path(tx, work.id, path=path)
    if not waits:
        return True
    if earlier is not None:
        await _discard(rt, earlier)
    async with asyncio.timeout(ATTEMPT_SECONDS):
        stored = await download_video(rt, work, pending, path)
    await _enter(rt, work, stored)
    # The archive may have been away when the earlier file was discarded.
    return earlier is not None


async def _take_over(rt: WorkerRuntime, work: Work, earlier: str, path: str) -> bool:
    """Records, as a copy under `path`, what an earlier attempt downloaded and did not live to
    record, or what came into the archive after the backup that was restored: its link may be dead
    by now. That attempt may live yet and remove its own file. False where there is nothing of the
    kind."""
    async with asyncio.timeout(ATTEMPT_SECONDS):
        stored = await _copy(rt, earlier, path)
    if stored is None:
        return False
    try:
        return await _enter(rt, work, stored, claim=True)
    except NotArchived as failure:
        if failure.reason != "not_a_video":
            raise
        await _discard(rt, path)
        return False


async def _copy(rt: WorkerRuntime, earlier: str, path: str) -> Stored | None:
    try:
        size = await rt.archive.size(earlier)
        if not size:
            return None
        async with aclosing(rt.archive.read(earlier, 0, size)) as blocks:
            return await rt.archive.write(path, blocks, max_bytes=size)
    except Gone:
        return None
    except ArchiveError as error:
        raise NotArchived("archive_unavailable") from error


async def _enter(rt: WorkerRuntime, work: Work, stored: Stored, *, claim: bool = False) -> bool:
    """Records a file as what it is, or as set aside where nobody can know. False where it is not
    this attempt's to record: another claimed it, or it was deleted."""
    try:
        seen = await persisted(lambda: _look_into(rt, work, stored.path))
    except NotRead:
        entered = await persisted(lambda: _set_aside(rt, work, stored, claim=claim))
    else:
        entered = await persisted(lambda: _record(rt, work, stored, seen, claim=claim))
    if not entered:
        await _discard(rt, stored.path)
        log.info("archiving_withdrawn", generation_id=str(work.id))
    return entered


async def _look_into(rt: WorkerRuntime, work: Work, path: str) -> Probe:
    try:
        async with rt.archive.as_file(path) as local, counted_read(rt, work.id):
            return await rt.decoder.probe(local)
    except NotAVideo as error:
        raise NotArchived("not_a_video") from error
    except DecoderEnded as error:
        raise NotArchived("decoder_ended") from error
    except DecoderUnavailable as error:
        raise NotArchived("decoder_unavailable") from error
    except (ArchiveError, OSError) as error:
        raise NotArchived("archive_unavailable") from error


async def _record(
    rt: WorkerRuntime, work: Work, stored: Stored, seen: Probe, *, claim: bool
) -> bool:
    difference = mismatch(work.spec, seen)
    async with rt.db.begin() as tx:
        if claim:
            await assets.claim_path(tx, work.id, path=stored.path)
        entered = await assets.mark_archived(tx, work.id, stored, seen, mismatch=difference)
    if not entered:
        return False
    rt.metrics.archived.labels("archived" if difference is None else "mismatch").inc()
    rt.metrics.archived_bytes.inc(stored.size_bytes)
    log.info("archived", generation_id=str(work.id), bytes=stored.size_bytes, mismatch=difference)
    return True


async def _set_aside(rt: WorkerRuntime, work: Work, stored: Stored, *, claim: bool) -> bool:
    async with rt.db.begin() as tx:
        if claim:
            await assets.claim_path(tx, work.id, path=stored.path)
        entered = await assets.set_aside(tx, work.id, stored, error="decoder_ended")
    if entered:
        rt.metrics.archived.labels("set_aside").inc()
        log.error("set_aside", generation_id=str(work.id), path=stored.path)
    return entered


def _reason(failure: Exception, generation_id: UUID) -> str:
    """Why an attempt failed, as a short label without a link in it."""
    if isinstance(failure, NotArchived):
        return failure.reason
    if isinstance(failure, TimeoutError):
        return "timeout"
    if isinstance(failure, Unavailable):
        return "database_unavailable"
    # A fault of the gateway is no reason to give a video up.
    log.error("archiving_failed", generation_id=str(generation_id), exc_info=failure)
    return "fault"


async def _give_up(rt: WorkerRuntime, pending: PendingVideo, path: str, reason: str) -> None:
    await _discard(rt, path)
    await persisted(lambda: _retry_later(rt, pending, reason))


async def _sweep(rt: WorkerRuntime, work: Work, path: str) -> None:
    """Removes what other attempts left where `path` is; raises `ArchiveError`."""
    await deletion.remove_forsaken(rt, work.id, folder=str(PurePosixPath(path).parent))


async def _discard(rt: WorkerRuntime, path: str) -> None:
    """Removes what a failed attempt wrote. What cannot be removed now is claimed by the next."""
    with contextlib.suppress(ArchiveError):
        await rt.archive.delete(path)


async def _retry_later(rt: WorkerRuntime, pending: PendingVideo, reason: str) -> None:
    """The next attempt; or the end of trying, in the open, once the upstream's link is surely
    dead."""
    now = rt.clock.now()
    lost = (now - pending.created_at).total_seconds() >= _waiting_seconds(reason)
    wait = min(_FIRST_RETRY_SECONDS * 2 ** min(pending.attempts - 1, 12), _LONGEST_RETRY_SECONDS)
    async with rt.db.begin() as tx:
        waiting = await assets.record_failure(tx, pending.generation_id, error=reason, lost=lost)
        if waiting and not lost:
            at = now + timedelta(seconds=wait)
            # What has failed before goes after what has not been tried yet.
            behind = -min(pending.attempts, 12)
            await enqueue(tx, Job.ARCHIVE, pending.generation_id, priority=behind, at=at)
    if waiting:
        rt.metrics.archived.labels("lost" if lost else reason).inc()
        level = log.error if lost else log.warning
        level("not_archived", generation_id=str(pending.generation_id), reason=reason, lost=lost)


def _waiting_seconds(reason: str) -> float:
    """Seconds after which this failure is the last. A link that is refused, or that brings no
    video, is dead when the upstream's own week is over; a network, a look-up or an archive that is
    away says nothing about the video."""
    passing = reason in _PASSING or reason.startswith("http_5")
    return _LONGEST_WAITING_SECONDS if passing else lifecycle.UPSTREAM_LINK_SECONDS
