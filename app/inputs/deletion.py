"""Deletes inputs: for their owner, with the last generation that keeps them, and when nobody ever
used them. As with videos, the row is marked first and the bytes are removed afterwards.

A file may be that of several rows. Whoever begins to share it locks a row that has it. So once no
row has it that is not deleted, none will.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.db import audit, generation_inputs, inputs
from app.db.inputs import LeftInput
from app.db.session import Tx
from app.domain.caller import Caller
from app.domain.inputs import Input
from app.errors import NotFound, NotReady
from app.runtime import VideoRuntime
from app.telemetry import logger
from app.videos.store import ArchiveError

log = logger(__name__)

BATCH = 100


async def delete(rt: VideoRuntime, found: Input, *, by: Caller) -> None:
    """Raises `NotFound`, and `NotReady` while a generation has to be sent with it."""
    async with rt.db.begin() as tx:
        if not await inputs.lock(tx, found.id):
            raise NotFound(f"There is no input {found.id}.")
        if await inputs.is_awaited(tx, found.id):
            raise NotReady(
                "A generation that has not been sent yet is made of this input. Cancel that first, "
                "or wait."
            )
        await inputs.delete(tx, [found.id])
        await audit.record(
            tx, by.actor, "input.delete", str(found.id), team_id=found.team_id, name=found.name
        )
    await remove(rt, [found.id])


async def release(tx: Tx, generation_id: UUID) -> list[UUID]:
    """In the transaction that deletes what a generation keeps: deletes its inputs, but for those
    that another generation keeps. Returns the deleted ones, for `remove`."""
    return await _delete_unkept(tx, await generation_inputs.release(tx, generation_id))


async def _delete_unkept(tx: Tx, ids: Sequence[UUID]) -> list[UUID]:
    if not ids:
        return []
    await inputs.lock_all(tx, ids)
    return await inputs.delete_unkept(tx, ids)


async def remove(rt: VideoRuntime, ids: Sequence[UUID]) -> None:
    """Removes the bytes of deleted inputs. Raises nothing: upkeep removes what is left."""
    if not ids:
        return
    try:
        async with rt.db.single() as tx:
            leftovers = await inputs.list_leftovers(tx, ids=ids, limit=len(ids))
        for leftover in leftovers:
            await _remove(rt, leftover)
    except Exception as fault:
        log.warning("input_bytes_left", inputs=len(ids), exc_info=fault)


async def delete_expired(rt: VideoRuntime) -> int:
    """Marks one batch of those that are past their time, or whose generations are past their team's
    retention; returns how many there were to look at."""
    now = rt.clock.for_database()
    async with rt.db.begin() as tx:
        released = await generation_inputs.release_expired(tx, now=now, limit=BATCH)
        gone = await _delete_unkept(tx, released)
    async with rt.db.begin() as tx:
        due = await inputs.lock_expired(tx, now=now, limit=BATCH)
        gone += await inputs.delete_unkept(tx, due) if due else []
    if gone:
        log.info("inputs_expired", inputs=len(gone))
    return len(released) + len(due)


async def remove_leftovers(rt: VideoRuntime) -> bool:
    """Removes the bytes that are left of deleted inputs. False if some could not be removed."""
    after: UUID | None = None
    all_gone = True
    while True:
        async with rt.db.single() as tx:
            page = await inputs.list_leftovers(tx, after=after, limit=BATCH)
        if not page:
            return all_gone
        gone = [await _remove(rt, leftover) for leftover in page]
        all_gone &= all(gone)
        if not any(gone):
            return False
        after = page[-1].id


async def _remove(rt: VideoRuntime, leftover: LeftInput) -> bool:
    async with rt.db.single() as tx:
        shared = await inputs.is_path_used(tx, leftover.path)
    if not shared:
        try:
            await rt.archive.delete(leftover.path)
        except ArchiveError as error:
            log.warning("input_bytes_not_removed", input_id=str(leftover.id), error=str(error))
            return False
    async with rt.db.single() as tx:
        await inputs.mark_removed(tx, leftover.id)
    return True
