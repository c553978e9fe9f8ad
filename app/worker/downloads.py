"""Downloads videos from the upstream's file host into the archive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from app.db import assets
from app.db.assets import PendingVideo
from app.db.transitions import Work
from app.domain.assets import Stored
from app.domain.generation import RECORD_OF_ANOTHER
from app.fetch import FetchError
from app.generations import lifecycle
from app.http_client import Response
from app.runtime import WorkerRuntime
from app.upstream.answers import Busy, Missing, ResultAnswer, Succeeded, Unconfirmed
from app.videos.store import ArchiveError, Empty, TooLarge
from app.worker import records

#: A slower download gives its place to others: at this pace a film would not arrive before its
#: attempt ends anyway.
_LEAST_BYTES_PER_SECOND = 10 << 10
#: How far a download may fall behind that pace, and how long its response may take to begin.
_BEHIND_SECONDS = 10.0
#: Failures that a new link may fix.
_LINK_IS_BAD = frozenset({"http_403", "http_404", "http_410", "refused"})


class NotArchived(Exception):
    """An attempt that archived nothing. `reason` is a short label, without a link."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


async def download_video(rt: WorkerRuntime, work: Work, pending: PendingVideo, path: str) -> Stored:
    """Downloads with the link that is known, or with a new one if that fails. Raises
    `NotArchived`."""
    reason = "no_link"
    if pending.link is not None:
        try:
            return await download(rt, pending.link, path)
        except NotArchived as failure:
            if failure.reason not in _LINK_IS_BAD:
                raise
            reason = failure.reason
    link = await _fresh_link(rt, work)
    if link is None or link == pending.link:
        raise NotArchived(reason)
    expires = rt.clock.now() + timedelta(seconds=lifecycle.UPSTREAM_LINK_SECONDS)
    async with rt.db.begin() as tx:
        await assets.renew_link(tx, work.id, link=link, link_expires_at=expires)
    return await download(rt, link, path)


async def _fresh_link(rt: WorkerRuntime, work: Work) -> str | None:
    match await look_up(rt, work):
        case Succeeded(link=link) | Unconfirmed(success=Succeeded(link=link)):
            return link
        case _:
            return None


async def look_up(rt: WorkerRuntime, work: Work) -> ResultAnswer:
    """What the upstream says about it now. Raises `NotArchived` if it gives no answer, or another
    generation's."""
    labels = {key_id: label for label, key_id in (await rt.upstream_key_ids_now()).items()}
    if work.upstream_id is None or work.upstream_key_id not in labels:
        return Missing()
    answer = await rt.upstream.result(labels[work.upstream_key_id], work.upstream_id)
    if isinstance(answer, Busy):
        raise NotArchived("look_up_failed")
    async with rt.db.single() as tx:
        if await records.is_of_another(tx, work, answer):
            raise NotArchived(RECORD_OF_ANOTHER)
    return answer


async def download(rt: WorkerRuntime, link: str, path: str) -> Stored:
    """Writes the bytes of a link to the archive. Raises `NotArchived`."""
    try:
        async with AsyncExitStack() as stack:
            async with _in_time(_BEHIND_SECONDS):
                response = await stack.enter_async_context(rt.upstream.download(link))
            if response.status_code != 200:
                raise NotArchived(f"http_{response.status_code}")
            declared = response.headers.get("content-length", "")
            expected = int(declared) if declared.isdigit() else None
            return await rt.archive.write(
                path, _whole(response, expected), max_bytes=rt.settings.max_video_bytes
            )
    except FetchError as error:
        raise NotArchived(getattr(error, "reason", "refused")) from error
    except (TooLarge, Empty) as error:
        raise NotArchived("too_large" if isinstance(error, TooLarge) else "empty") from error
    except ArchiveError as error:
        raise NotArchived("archive_unavailable") from error


async def _whole(response: Response, expected: int | None) -> AsyncIterator[bytes]:
    """The same bytes. Raises `NotArchived` at the end if some are missing: before the write
    completes, so that the archive never holds part of a video."""
    received = 0
    async for chunk in _paced(response.aiter_raw()):
        received += len(chunk)
        yield chunk
    if expected is not None and received != expected:
        raise NotArchived("truncated")


async def _paced(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes. Raises `NotArchived` if they come too slowly. Only the time spent waiting for
    them counts, not a slow archive."""
    loop, left = asyncio.get_running_loop(), _BEHIND_SECONDS
    while True:
        began = loop.time()
        async with _in_time(left):
            chunk = await anext(chunks, None)
        if chunk is None:
            return
        left += len(chunk) / _LEAST_BYTES_PER_SECOND - (loop.time() - began)
        left = min(left, _BEHIND_SECONDS)
        yield chunk


@asynccontextmanager
async def _in_time(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise NotArchived("slow") from None
