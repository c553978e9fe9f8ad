"""Archives a video: downloads, hashes and probes the file, and keeps it."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import aclosing
from datetime import timedelta
from pathlib import PurePosixPath
from secrets import token_hex
from uuid import UUID

from app.db import archive_attempts, assets
from app.db.assets import PendingVideo
from app.db.jobs import Job, enqueue
from app.db.transitions import Work
from app.domain.assets import Probe, Stored
from app.domain.generation import FINAL
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

#: The limit of one download, or one copy. Otherwise a file that trickles in would keep its place
#: for ever. And a job that runs too long is given to another worker, whose claim undoes this one's.
ATTEMPT_SECONDS = 900.0
_FIRST_RETRY_SECONDS = 5.0
_LONGEST_RETRY_SECONDS = 3600.0
#: Failures between the upstream and the archive, or of the gateway itself: they say nothing about
#: the video.
_PASSING = frozenset(
    {"archive_unavailable", "database_unavailable", "decoder_unavailable", "fault",
     "look_up_failed", "reset", "slow", "timeout", "truncated", "unreachable", "unresolved"}
)  # fmt: skip
_LONGEST_WAITING_SECONDS = 30 * 86_400.0


async def archive(rt: WorkerRuntime, generation_id: UUID) -> None:
    """One attempt to archive a video, or to confirm that there is one. It is counted before it
    begins, and always records the reason if it fails. A failed one is repeated until the upstream's
    link has expired."""
    # A second attempt may run beside a first one whose worker only seemed dead. Each writes its own
    # file; the later claim decides which one is recorded.
    begun = await archive_attempts.begin(rt.db.direct, generation_id, token=token_hex(4))
    if begun is None:
        return
    work, pending, path = begun.work, begun.pending, begun.path
    if work.state not in FINAL:
        await confirming.confirm(rt, work)
        return
    try:
        others = pending is None or await _attempt(rt, work, pending, path, claimed=begun.claimed)
    except Exception as failure:
        assert pending is not None
        await _give_up(rt, pending, path, _reason(failure, generation_id))
        return
    if others:
        await _sweep(rt, work, path)


async def _attempt(
    rt: WorkerRuntime, work: Work, pending: PendingVideo, path: str, *, claimed: bool
) -> bool:
    """Archives the video under `path`. True if other attempts may have left files that no row
    names. Raises `NotArchived`, and whatever else prevents it."""
    earlier = None
    if not claimed:
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
    # If the archive was away, the earlier file may still be there.
    return earlier is not None


async def _take_over(rt: WorkerRuntime, work: Work, earlier: str, path: str) -> bool:
    """Copies a file that is already in the archive to `path` and records it: an earlier attempt
    downloaded it and died before recording it, or it was archived after the backup that was
    restored. By now its link may have expired. It is copied because that attempt may still be
    alive, and would remove its own file. False if there is no such file."""
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
    """Records a file with its probe, or as set aside if it cannot be probed. False if another
    attempt has claimed the video, or it was deleted."""
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
        async with rt.archive.as_file(path) as local, counted_read(rt, work.id, recorded=True):
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
    """Why an attempt failed: a short label, without a link."""
    if isinstance(failure, NotArchived):
        return failure.reason
    if isinstance(failure, TimeoutError):
        return "timeout"
    if isinstance(failure, Unavailable):
        return "database_unavailable"
    # A bug of the gateway is no reason to give up the video.
    log.error("archiving_failed", generation_id=str(generation_id), exc_info=failure)
    return "fault"


async def _give_up(rt: WorkerRuntime, pending: PendingVideo, path: str, reason: str) -> None:
    await _discard(rt, path)
    await persisted(lambda: _retry_later(rt, pending, reason))


async def _sweep(rt: WorkerRuntime, work: Work, path: str) -> None:
    """Removes what other attempts left in the folder of `path`. Raises `ArchiveError`."""
    await deletion.remove_forsaken(rt, work.id, folder=str(PurePosixPath(path).parent))


async def _discard(rt: WorkerRuntime, path: str) -> None:
    """Removes what a failed attempt wrote. The next attempt tries again what cannot be removed
    now."""
    with contextlib.suppress(ArchiveError):
        await rt.archive.delete(path)


async def _retry_later(rt: WorkerRuntime, pending: PendingVideo, reason: str) -> None:
    """Schedules the next attempt, or gives up and says so, once the upstream's link has surely
    expired."""
    now = rt.clock.now()
    lost = (now - pending.created_at).total_seconds() >= _waiting_seconds(reason)
    wait = min(_FIRST_RETRY_SECONDS * 2 ** min(pending.attempts - 1, 12), _LONGEST_RETRY_SECONDS)
    async with rt.db.begin() as tx:
        waiting = await assets.record_failure(tx, pending.generation_id, error=reason, lost=lost)
        if waiting and not lost:
            at = now + timedelta(seconds=wait)
            # Jobs that failed before go after those that have not been tried.
            behind = -min(pending.attempts, 12)
            await enqueue(tx, Job.ARCHIVE, pending.generation_id, priority=behind, at=at)
    if waiting:
        rt.metrics.archived.labels("lost" if lost else reason).inc()
        level = log.error if lost else log.warning
        level("not_archived", generation_id=str(pending.generation_id), reason=reason, lost=lost)


def _waiting_seconds(reason: str) -> float:
    """How long to go on trying after this failure. If the link is refused or yields no video, it is
    dead once the upstream's week is over. A failure of the network, a look-up or the archive says
    nothing about the video."""
    passing = reason in _PASSING or reason.startswith("http_5")
    return _LONGEST_WAITING_SECONDS if passing else lifecycle.UPSTREAM_LINK_SECONDS
