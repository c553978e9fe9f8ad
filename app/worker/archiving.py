"""Archiving: the bytes of a video, streamed, hashed, looked into, and kept."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from pathlib import PurePosixPath
from secrets import token_hex
from uuid import UUID

from app.db import assets, transitions
from app.db.assets import PendingVideo
from app.db.jobs import Job, enqueue
from app.db.transitions import Work
from app.domain.generation import video_path
from app.fetch import FetchError
from app.generations import lifecycle
from app.http_client import Response
from app.runtime import WorkerRuntime
from app.telemetry import logger
from app.upstream.answers import Busy, Succeeded
from app.videos import deletion
from app.videos.decoder import DecoderEnded, DecoderUnavailable
from app.videos.mp4 import NotAVideo
from app.videos.probe import Probe, mismatch
from app.videos.store import ArchiveError, Empty, Gone, Stored, TooLarge
from app.worker.persist import persisted

log = logger(__name__)

#: How long one try may take. A file that trickles would else keep a place for ever, and a job that
#: runs longer than any may is given to others, whose claim undoes this one's.
TRY_SECONDS = 900.0
_FIRST_RETRY_SECONDS = 5.0
_LONGEST_RETRY_SECONDS = 3600.0
#: Failures that a fresh link may mend.
_LINK_IS_BAD = frozenset({"http_403", "http_404", "http_410", "refused"})

#: Failures of something between the upstream and the archive.
_PASSING = frozenset(
    {"archive_unavailable", "decoder_unavailable", "look_up_failed", "reset", "timeout",
     "truncated", "unreachable", "unresolved"}
)  # fmt: skip
_LONGEST_PATIENCE_SECONDS = 30 * 86_400.0


class Undelivered(Exception):
    """A try that brought no video home; `reason` is a short label without a link in it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


async def archive(rt: WorkerRuntime, generation_id: UUID) -> None:
    """One try to archive a video. A failed one is repeated until the upstream's link is dead."""
    async with rt.db.single() as tx:
        work = await transitions.find_work(tx, generation_id)
    if work is None:
        return
    # A second try may run beside a first that was only thought dead: each has its own file, and
    # the later one's claim decides which is recorded.
    path = video_path(work.id, work.created_at, token=token_hex(4))
    if await _take_over(rt, work, path):
        return
    async with rt.db.begin() as tx:
        waits, earlier = await assets.claim_path(tx, generation_id, path=path)
        pending = await assets.find_pending_video(tx, generation_id) if waits else None
    if pending is None:
        await _sweep(rt, work, path)
        return
    if earlier is not None:
        await _discard(rt, earlier)
    try:
        async with asyncio.timeout(TRY_SECONDS):
            stored = await _bring_home(rt, work, pending, path)
            seen = await _look_into(rt, path)
    except (Undelivered, TimeoutError) as failure:
        await _give_up(rt, pending, path, failure)
    else:
        if not await persisted(lambda: _record(rt, work, stored, seen)):
            await rt.archive.delete(path)
            log.info("archiving_withdrawn", generation_id=str(work.id))
        elif earlier is not None:
            # No row names it any more, and the archive may have been away when it was discarded.
            await _sweep(rt, work, path)


async def _take_over(rt: WorkerRuntime, work: Work, path: str) -> bool:
    """Records, as a copy under `path`, what an earlier try brought home and did not live to record,
    or what came into the archive after the backup that was restored: its link may be dead by now.
    That try may live yet and remove its own file. False where there is nothing of the kind."""
    async with rt.db.single() as tx:
        pending = await assets.find_pending_video(tx, work.id)
    if pending is None or pending.path is None:
        return False
    earlier = pending.path
    try:
        async with asyncio.timeout(TRY_SECONDS):
            stored = await _copy(rt, earlier, path)
            if stored is None:
                return False
            seen = await _look_into(rt, path)
    except (Undelivered, TimeoutError) as failure:
        if getattr(failure, "reason", None) == "not_a_video":
            await _discard(rt, path)
            return False
        await _give_up(rt, pending, path, failure)
        return True
    recorded = await persisted(lambda: _record(rt, work, stored, seen, claim=True))
    if not recorded:
        await _discard(rt, path)
        return False
    # A copy that another try did not live to record is named by no row either.
    await _sweep(rt, work, path)
    return True


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
        raise Undelivered("archive_unavailable") from error


async def _give_up(
    rt: WorkerRuntime, pending: PendingVideo, path: str, failure: Undelivered | TimeoutError
) -> None:
    reason = failure.reason if isinstance(failure, Undelivered) else "timeout"
    await _discard(rt, path)
    await persisted(lambda: _try_later(rt, pending, reason))


async def _sweep(rt: WorkerRuntime, work: Work, path: str) -> None:
    """Removes what other tries left where `path` is; raises `ArchiveError`."""
    await deletion.remove_forsaken(rt, work.id, folder=str(PurePosixPath(path).parent))


async def _discard(rt: WorkerRuntime, path: str) -> None:
    """Removes what a failed try wrote. What cannot be removed now is claimed by the next try."""
    with contextlib.suppress(ArchiveError):
        await rt.archive.delete(path)


async def _bring_home(rt: WorkerRuntime, work: Work, pending: PendingVideo, path: str) -> Stored:
    """Downloads with the link of the answer, or with a fresh one where that does not work."""
    reason = "no_link"
    if pending.link is not None:
        try:
            return await _download(rt, pending.link, path)
        except Undelivered as failure:
            if failure.reason not in _LINK_IS_BAD:
                raise
            reason = failure.reason
    link = await _fresh_link(rt, work)
    if link is None or link == pending.link:
        raise Undelivered(reason)
    expires = rt.clock.now() + timedelta(seconds=lifecycle.UPSTREAM_LINK_SECONDS)
    async with rt.db.begin() as tx:
        await assets.renew_link(tx, work.id, link=link, link_expires_at=expires)
    return await _download(rt, link, path)


async def _fresh_link(rt: WorkerRuntime, work: Work) -> str | None:
    labels = {key_id: label for label, key_id in (await rt.upstream_key_ids_now()).items()}
    if work.upstream_id is None or work.upstream_key_id not in labels:
        return None
    answer = await rt.upstream.result(
        labels[work.upstream_key_id], work.upstream_id, prompt=work.spec.prompt
    )
    if isinstance(answer, Busy):
        raise Undelivered("look_up_failed")
    return answer.link if isinstance(answer, Succeeded) else None


async def _download(rt: WorkerRuntime, link: str, path: str) -> Stored:
    try:
        async with rt.upstream.download(link) as response:
            if response.status_code != 200:
                raise Undelivered(f"http_{response.status_code}")
            declared = response.headers.get("content-length", "")
            expected = int(declared) if declared.isdigit() else None
            stored = await rt.archive.write(
                path, _whole(response, expected), max_bytes=rt.settings.max_video_bytes
            )
    except FetchError as error:
        raise Undelivered(getattr(error, "reason", "refused")) from error
    except (TooLarge, Empty) as error:
        raise Undelivered("too_large" if isinstance(error, TooLarge) else "empty") from error
    except ArchiveError as error:
        raise Undelivered("archive_unavailable") from error
    return stored


async def _whole(response: Response, expected: int | None) -> AsyncIterator[bytes]:
    """The bytes, or `Undelivered` at their end where some are missing: raised while they are
    written, so that a part of a video never stands in the archive."""
    received = 0
    async for chunk in response.aiter_raw():
        received += len(chunk)
        yield chunk
    if expected is not None and received != expected:
        raise Undelivered("truncated")


async def _look_into(rt: WorkerRuntime, path: str) -> Probe:
    try:
        async with rt.archive.as_file(path) as local:
            return await rt.decoder.probe(local)
    except NotAVideo as error:
        raise Undelivered("not_a_video") from error
    except DecoderEnded as error:
        raise Undelivered("decoder_ended") from error
    except DecoderUnavailable as error:
        raise Undelivered("decoder_unavailable") from error
    except (ArchiveError, OSError) as error:
        raise Undelivered("archive_unavailable") from error


async def _record(
    rt: WorkerRuntime, work: Work, stored: Stored, seen: Probe, *, claim: bool = False
) -> bool:
    """False where it is not this try's to record: another claimed it, or it was deleted."""
    difference = mismatch(work.spec, seen)
    async with rt.db.begin() as tx:
        if claim:
            await assets.claim_path(tx, work.id, path=stored.path)
        entered = await assets.mark_archived(
            tx,
            work.id,
            path=stored.path,
            size_bytes=stored.size_bytes,
            sha256=stored.sha256,
            duration_seconds=seen.duration_seconds,
            width=seen.width,
            height=seen.height,
            codec=seen.codec,
            mismatch=difference,
        )
    if not entered:
        return False
    rt.metrics.archived.labels("archived" if difference is None else "mismatch").inc()
    rt.metrics.archived_bytes.inc(stored.size_bytes)
    log.info("archived", generation_id=str(work.id), bytes=stored.size_bytes, mismatch=difference)
    return True


async def _try_later(rt: WorkerRuntime, pending: PendingVideo, reason: str) -> None:
    """The next try; or the end of trying, in the open, once the upstream's link is surely dead."""
    now = rt.clock.now()
    lost = (now - pending.created_at).total_seconds() >= _patience(reason)
    wait = min(_FIRST_RETRY_SECONDS * 2 ** min(pending.attempts, 12), _LONGEST_RETRY_SECONDS)
    async with rt.db.begin() as tx:
        waiting = await assets.record_failure(tx, pending.generation_id, error=reason, lost=lost)
        if waiting and not lost:
            at = now + timedelta(seconds=wait)
            await enqueue(tx, Job.ARCHIVE, pending.generation_id, at=at)
    if waiting:
        rt.metrics.archived.labels("lost" if lost else reason).inc()
        level = log.error if lost else log.warning
        level("not_archived", generation_id=str(pending.generation_id), reason=reason, lost=lost)


def _patience(reason: str) -> float:
    """Seconds after which this failure is the last. A link that is refused, or that brings no
    video, is dead when the upstream's own week is over; a network, a look-up or an archive that is
    away says nothing about the video."""
    passing = reason in _PASSING or reason.startswith("http_5")
    return _LONGEST_PATIENCE_SECONDS if passing else lifecycle.UPSTREAM_LINK_SECONDS
