"""Retention: deletes videos and inputs that are past their time, and bytes that earlier deletions
left."""

from __future__ import annotations

import asyncio
import contextlib

from app.errors import Unavailable
from app.inputs import deletion as input_deletion
from app.runtime import WorkerRuntime
from app.telemetry import logger
from app.videos import deletion

log = logger(__name__)

#: Retention is counted in days, so minutes do not matter; leftovers are out of reach already.
EVERY_SECONDS = 300.0


async def keep(rt: WorkerRuntime, stopping: asyncio.Event) -> None:
    """One round now and then every few minutes, until `stopping`. Several workers may do it at
    once: they skip each other's rows, and removing bytes twice is harmless. It may be canceled
    anywhere."""
    while not stopping.is_set():
        try:
            await one_round(rt)
        except Unavailable:
            log.warning("retention_skipped")
        except Exception as error:
            # A worker that does only half its work would look alive, so try this again.
            log.error("retention_failed", exc_info=error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), timeout=EVERY_SECONDS)


async def one_round(rt: WorkerRuntime) -> None:
    """In batches, so that a crash leaves little behind and no row is locked for long."""
    while await deletion.delete_expired(rt):
        if not await deletion.remove_leftovers(rt):
            return
    await deletion.remove_leftovers(rt)
    while await input_deletion.delete_expired(rt):
        if not await input_deletion.remove_leftovers(rt):
            return
    await input_deletion.remove_leftovers(rt)
