"""Retention: deletes what is past its team's limit, and bytes that an earlier deletion left."""

from __future__ import annotations

import asyncio
import contextlib

from app.errors import Unavailable
from app.runtime import WorkerRuntime
from app.telemetry import logger
from app.videos import deletion

log = logger(__name__)

#: Retention counts in days, so nothing is late by minutes; leftovers are out of reach already.
EVERY_SECONDS = 300.0


async def keep(rt: WorkerRuntime, stopping: asyncio.Event) -> None:
    """A round now and every few minutes until `stopping`. Workers may do it at the same time: they
    skip each other's rows, and removing bytes twice is harmless. It may be cancelled anywhere."""
    while not stopping.is_set():
        try:
            await one_round(rt)
        except Unavailable:
            log.warning("retention_skipped")
        except Exception as error:
            # Half a worker would look alive; this duty alone is tried again.
            log.error("retention_failed", exc_info=error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), timeout=EVERY_SECONDS)


async def one_round(rt: WorkerRuntime) -> None:
    """Batch by batch, so that a crash leaves little behind and no row is locked for long."""
    while await deletion.delete_expired(rt):
        if not await deletion.remove_leftovers(rt):
            return
    await deletion.remove_leftovers(rt)
