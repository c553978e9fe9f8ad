"""Confirms a video whose record has an undocumented status.

The upstream may use a new word for success. So the film decides: if it is there and complete, the
generation has succeeded. If not, nothing is known, and it is checked again until the generation
becomes unknown.
"""

from __future__ import annotations

import asyncio
import contextlib
from secrets import token_hex

from app.db.transitions import Work
from app.domain.generation import video_path
from app.runtime import WorkerRuntime
from app.telemetry import logger
from app.upstream.answers import Succeeded, Unconfirmed
from app.videos.decoder import DecoderEnded, DecoderUnavailable
from app.videos.mp4 import NotAVideo
from app.videos.store import ArchiveError
from app.worker import polls
from app.worker.downloads import NotArchived, download, look_up
from app.worker.persist import persisted

log = logger(__name__)

#: For the download and the probe. A generation that has succeeded gets far longer.
_SECONDS = 300.0


async def confirm(rt: WorkerRuntime, work: Work) -> None:
    """One attempt. If the generation has succeeded by it, the film stays in the archive."""
    path = video_path(work.id, work.created_at, token=token_hex(4))
    try:
        async with asyncio.timeout(_SECONDS):
            success = await _whole_film(rt, work, path)
    except (NotArchived, NotAVideo, DecoderEnded, DecoderUnavailable, ArchiveError, OSError) as why:
        success = None
        reason = getattr(why, "reason", type(why).__name__)
        log.warning("not_confirmed", generation_id=str(work.id), reason=reason)
    if success is None or not await persisted(
        lambda: polls.record(rt, work, success, archived_as=path)
    ):
        with contextlib.suppress(ArchiveError):
            await rt.archive.delete(path)


async def _whole_film(rt: WorkerRuntime, work: Work, path: str) -> Succeeded | None:
    """The record's answer, if its film is complete; it is in the archive then. None if the record
    says something else by now: the next poll handles that."""
    answer = await look_up(rt, work)
    if not isinstance(answer, Unconfirmed) or answer.success.link is None:
        return None
    await download(rt, answer.success.link, path)
    async with rt.archive.as_file(path) as local:
        await rt.decoder.probe(local)
    return answer.success
