"""Archiving: the bytes of a video, streamed, hashed, looked into, and kept."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

import httpx

from app import custody, lifecycle
from app.archive import ArchiveError, Empty, Stored, TooLarge
from app.db import assets, moves
from app.db.assets import PendingVideo
from app.db.moves import Work
from app.domain.generation import video_path
from app.probe import NotAVideo, Probe, mismatch, probe
from app.queue import Job, enqueue
from app.runtime import Runtime
from app.telemetry import logger
from app.upstream.answers import Succeeded
from app.upstream.fetch import FetchError
from app.worker.persist import persisted

log = logger(__name__)

_FIRST_RETRY_SECONDS = 5.0
_LONGEST_RETRY_SECONDS = 3600.0
#: Failures that a fresh link may mend.
_LINK_IS_BAD = frozenset({"http_403", "http_404", "http_410", "refused"})


class Undelivered(Exception):
    """A try that brought no video home; `reason` is a short label without a link in it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


async def archive(rt: Runtime, generation_id: UUID) -> None:
    """One try to archive a video. A failed one is repeated until the upstream's link is dead."""
    async with rt.db.single() as tx:
        pending = await assets.find_pending_video(tx, generation_id)
        work = await moves.find_work(tx, generation_id)
    if work is None:
        return
    path = video_path(work.id, work.created_at)
    if pending is None:
        # A try that died may have written the video before or after it was deleted.
        await custody.withdraw(rt, work.id, path)
        return
    try:
        stored = await _bring_home(rt, work, pending, path)
        seen = await _look_into(rt, path)
    except Undelivered as failure:
        reason = failure.reason
        waiting = await persisted(lambda: _try_later(rt, pending, reason))
    else:
        waiting = await persisted(lambda: _record(rt, work, stored, seen))
    if not waiting:
        await custody.withdraw(rt, work.id, path)


async def _bring_home(rt: Runtime, work: Work, pending: PendingVideo, path: str) -> Stored:
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


async def _fresh_link(rt: Runtime, work: Work) -> str | None:
    labels = {key_id: label for label, key_id in (await rt.upstream_key_ids_now()).items()}
    if work.upstream_id is None or work.upstream_key_id not in labels:
        return None
    answer = await rt.upstream.result(labels[work.upstream_key_id], work.upstream_id)
    return answer.link if isinstance(answer, Succeeded) else None


async def _download(rt: Runtime, link: str, path: str) -> Stored:
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


async def _whole(response: httpx.Response, expected: int | None) -> AsyncIterator[bytes]:
    """The bytes, or `Undelivered` at their end where some are missing: raised while they are
    written, so that a part of a video never stands in the archive."""
    received = 0
    async for chunk in response.aiter_raw():
        received += len(chunk)
        yield chunk
    if expected is not None and received != expected:
        raise Undelivered("truncated")


async def _look_into(rt: Runtime, path: str) -> Probe:
    try:
        async with rt.archive.as_file(path) as local:
            return await asyncio.to_thread(probe, local)
    except NotAVideo as error:
        # What came is no video; it must not stand in the archive under a video's name.
        with contextlib.suppress(ArchiveError):
            await rt.archive.delete(path)
        raise Undelivered("not_a_video") from error
    except (ArchiveError, OSError) as error:
        raise Undelivered("archive_unavailable") from error


async def _record(rt: Runtime, work: Work, stored: Stored, seen: Probe) -> bool:
    """False where the video is no longer pending: archived by another try, or deleted."""
    difference = mismatch(work.spec, seen)
    async with rt.db.begin() as tx:
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


async def _try_later(rt: Runtime, pending: PendingVideo, reason: str) -> bool:
    """The next try; or, once the upstream's link is surely dead, the end of trying, in the open.
    False where the video is no longer pending."""
    now = rt.clock.now()
    lost = now >= (pending.link_expires_at or _never_later_than(pending))
    wait = min(_FIRST_RETRY_SECONDS * 2**pending.attempts, _LONGEST_RETRY_SECONDS)
    async with rt.db.begin() as tx:
        waiting = await assets.record_failure(tx, pending.generation_id, error=reason, lost=lost)
        if waiting and not lost:
            at = now + timedelta(seconds=wait)
            await enqueue(tx, Job.ARCHIVE, pending.generation_id, at=at)
    if not waiting:
        return False
    rt.metrics.archived.labels("lost" if lost else reason).inc()
    level = log.error if lost else log.warning
    level("not_archived", generation_id=str(pending.generation_id), reason=reason, lost=lost)
    return True


def _never_later_than(pending: PendingVideo) -> datetime:
    return pending.created_at + timedelta(seconds=lifecycle.UPSTREAM_LINK_SECONDS)
