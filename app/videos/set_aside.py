"""Files that end the process that reads them.

Each read is counted in the database before it begins, so that the count stays even if the worker
dies. After three unfinished reads in a row, the file is not read again. A video that is being
archived is then set aside, with its bytes, until an operator has looked at it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from app.db import archive_attempts, assets, audit
from app.domain.authority import Actor
from app.errors import NotSetAside, Unavailable
from app.generations.story import get_managed
from app.runtime import Runtime
from app.telemetry import logger
from app.videos.decoder import DecoderEnded

log = logger(__name__)

MAX_UNFINISHED_READS = 3


class NotRead(Exception):
    """The file has ended every process that began to read it, so it is not read any more."""


@asynccontextmanager
async def counted_read(
    rt: Runtime, generation_id: UUID, *, recorded: bool = False
) -> AsyncIterator[None]:
    """Wraps one read of a generation's file. Raises `NotRead` instead of a read too many, or after
    the last one. Passes on what the block raises. `recorded`: the caller then writes what was read
    into the row, which resets the count."""
    count = await archive_attempts.begin_reading(
        rt.db.direct, generation_id, most=MAX_UNFINISHED_READS
    )
    if count is None:
        raise NotRead
    try:
        yield
    except DecoderEnded as error:
        rt.metrics.decoder_ended.inc()
        log.error("decoder_ended", generation_id=str(generation_id), why=str(error), times=count)
        if count >= MAX_UNFINISHED_READS:
            raise NotRead from error
        raise
    except Exception:
        await _end(rt, generation_id)
        raise
    if not recorded:
        await _end(rt, generation_id)


async def _end(rt: Runtime, generation_id: UUID) -> None:
    """If the database is away, the next read that ends resets the count."""
    with suppress(Unavailable):
        await archive_attempts.end_reading(rt.db.direct, generation_id)


async def accept(rt: Runtime, generation_id: UUID, *, actor: Actor) -> None:
    """Releases a video that is set aside as it is. Raises `Forbidden`, `NotFound` and
    `NotSetAside`."""
    actor.require_operator()
    generation = await get_managed(rt, generation_id, actor=actor)
    async with rt.db.begin() as tx:
        if not await assets.accept(tx, generation_id):
            raise NotSetAside(f"Generation {generation_id} has no video that is set aside.")
        await audit.record(
            tx,
            actor.name,
            "archive.accept",
            str(generation_id),
            reason=actor.reason,
            team_id=generation.team_id,
        )
