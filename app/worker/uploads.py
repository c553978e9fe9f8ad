"""Brings the inputs of a generation to the account that is going to make it, before its attempt
begins. An upload costs nothing: whatever goes wrong, the generation is still queued, and it is
tried again.

A file at the upstream belongs to one account. So a generation is only submitted through a key whose
account has all of its inputs; if that key cannot be used any more, they are uploaded to another.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from app.db import generation_inputs, inputs, pauses, transitions, upstream_keys
from app.db.generation_inputs import Uploads
from app.db.session import Tx
from app.db.transitions import Work
from app.db.upstream_keys import Slot, take_slot
from app.domain.generation import FailureCode, State
from app.domain.inputs import EXTENSIONS, Input
from app.domain.operators import Pause
from app.generations import lifecycle
from app.generations.lifecycle import Transaction
from app.runtime import WorkerRuntime
from app.telemetry import logger
from app.upstream.assets import AssetFile, Uploaded, UploadFailed, UploadRefused
from app.videos.store import ArchiveError, Gone
from app.worker import turns
from app.worker import upstream_keys as keys_in_use
from app.worker.persist import persisted

log = logger(__name__)

#: Uploads of one generation, with all keys. With the pauses between them that is some minutes.
MAX_ATTEMPTS = 12


@dataclass(frozen=True, slots=True)
class _Step:
    """The next upload of a generation, whose request is taken from the budget of the key."""

    work: Work
    image: Input
    key_id: int
    key_label: str
    tried: int


async def prepare(rt: WorkerRuntime, generation_id: UUID) -> bool:
    """Uploads what is missing. False if the generation is not to be submitted now: it waits for its
    turn, or has ended."""
    while True:
        step = await persisted(lambda: _next(rt, generation_id))
        if isinstance(step, bool):
            return step
        if not await _upload(rt, step):
            return False


class Incomplete(Exception):
    """No key that may be used has all inputs of the generation in its account."""


async def ready_keys(
    rt: WorkerRuntime, tx: Tx, uploads: Uploads, work: Work, labels: Mapping[int, str]
) -> dict[int, str]:
    """The keys through which the generation may be submitted now. Raises `Incomplete`."""
    complete = uploads.complete([use.input_id for use in work.inputs])
    keys = [key for key in complete if key in labels and keys_in_use.keeps_up(rt, labels[key])]
    ready = await upstream_keys.usable(tx, keys)
    if not ready:
        raise Incomplete
    return {key: labels[key] for key in ready}


async def _next(rt: WorkerRuntime, generation_id: UUID) -> _Step | bool:
    """The next upload; True if there is nothing to upload now, False as for `prepare`."""
    key_ids = await rt.upstream_key_ids_now()
    labels = {key_id: label for label, key_id in key_ids.items()}
    now = rt.clock.now()
    async with lifecycle.begin(rt) as transaction:
        tx = transaction.tx
        work = await transitions.find_work(tx, generation_id, lock=True)
        if work is None or work.state is not State.QUEUED or not work.inputs:
            return True
        if work.queue_deadline_at <= now or await pauses.is_paused(tx, Pause.SUBMISSION):
            # The claim does what is to be done then.
            return True
        uploads = await generation_inputs.uploads_of(tx, work.id)
        with contextlib.suppress(Incomplete):
            await ready_keys(rt, tx, uploads, work, labels)
            return True
        keys = [key for key, label in labels.items() if keys_in_use.keeps_up(rt, label)]
        if uploads.attempts >= MAX_ATTEMPTS:
            await _fail(
                transaction, work, rt, FailureCode.UPSTREAM_UNAVAILABLE,
                "The upstream did not take the image in time; nothing was made.",
            )  # fmt: skip
            return False
        slot = await _take_slot(rt, tx, keys, uploads)
        if slot.key_id is None:
            await turns.wait_for_turn(rt, tx, work, slot)
            return False
        there = uploads.paths.get(slot.key_id, {})
        missing = next(use.input_id for use in work.inputs if use.input_id not in there)
        image = next(iter(await inputs.find_many(tx, [missing])), None)
        if image is None:
            await _fail(
                transaction, work, rt, FailureCode.INPUT_UNUSABLE,
                f"The input {missing} was deleted; nothing was sent.",
            )  # fmt: skip
            return False
        await generation_inputs.begin_upload(tx, work.id, missing, upstream_key_id=slot.key_id)
    return _Step(work, image, slot.key_id, labels[slot.key_id], uploads.attempts)


async def _take_slot(rt: WorkerRuntime, tx: Tx, keys: list[int], uploads: Uploads) -> Slot:
    """One request, with a key whose account has some of the inputs already if that is possible."""
    begun = [key for key in keys if uploads.paths.get(key)]
    for some in (begun, keys) if begun else (keys,):
        slot = await take_slot(
            tx, some, per_minute=rt.settings.upstream_rate_per_minute, ahead=turns.SUBMIT_AHEAD
        )
        if slot.key_id is not None:
            break
    return slot


class _Source:
    """The bytes of an input, and why they could not be read."""

    def __init__(self, rt: WorkerRuntime, image: Input) -> None:
        self._rt = rt
        self._image = image
        self.error: ArchiveError | None = None

    async def blocks(self) -> AsyncIterator[bytes]:
        assert self._image.path is not None
        try:
            async with aclosing(
                self._rt.archive.read(self._image.path, 0, self._image.size_bytes)
            ) as blocks:
                async for block in blocks:
                    yield block
        except ArchiveError as error:
            self.error = error
            raise


async def _upload(rt: WorkerRuntime, step: _Step) -> bool:
    """One upload. False if the generation waits for the next one, or has ended."""
    image, source = step.image, _Source(rt, step.image)
    answer = await rt.upstream.upload(
        step.key_label,
        AssetFile(
            name=f"{image.id}.{EXTENSIONS[image.content_type]}", content_type=image.content_type,
            size_bytes=image.size_bytes, open=source.blocks,
        ),
    )  # fmt: skip
    if isinstance(source.error, Gone):
        return await persisted(lambda: _end(rt, step, "The image is missing from the archive"))
    if source.error is not None:
        log.error("archive_unavailable", error=str(source.error))
        return await persisted(lambda: _again(rt, step, UploadFailed(reason="archive")))
    match answer:
        case Uploaded():
            path = answer.path
            await persisted(lambda: _record(rt, step, path))
            return True
        case UploadRefused():
            log.error("input_refused", generation_id=str(step.work.id), reason=answer.reason)
            return await persisted(lambda: _end(rt, step, "The upstream did not take the image"))
        case UploadFailed():
            return await persisted(lambda: _again(rt, step, answer))


async def _record(rt: WorkerRuntime, step: _Step, path: str) -> None:
    async with rt.db.begin() as tx:
        await generation_inputs.record_upload(
            tx, step.work.id, step.image.id, upstream_key_id=step.key_id, path=path
        )
    log.info("input_uploaded", generation_id=str(step.work.id), input_id=str(step.image.id))


async def _again(rt: WorkerRuntime, step: _Step, answer: UploadFailed) -> bool:
    """With another key at once if it was the key's fault; otherwise after a pause."""
    work = step.work
    async with lifecycle.begin(rt) as transaction:
        tx = transaction.tx
        await generation_inputs.record_failed_upload(
            tx, work.id, step.image.id, upstream_key_id=step.key_id, error=answer.reason
        )
        if answer.key_trouble is not None:
            await keys_in_use.set_aside(rt, transaction, step.key_label, answer.key_trouble)
            return True
        wait = answer.retry_after_seconds or turns.backoff_seconds(step.tried)
        await turns.postpone(rt, tx, work, seconds=wait)
        transaction.on_commit(
            partial(
                log.warning, "input_not_uploaded", generation_id=str(work.id), reason=answer.reason
            )
        )
    return False


async def _end(rt: WorkerRuntime, step: _Step, why: str) -> bool:
    """Fails the generation unless another worker has sent it meanwhile."""
    async with lifecycle.begin(rt) as transaction:
        work = await transitions.find_work(transaction.tx, step.work.id, lock=True)
        if work is not None and work.state is State.QUEUED:
            await _fail(
                transaction, work, rt, FailureCode.INPUT_UNUSABLE, f"{why}; nothing was made."
            )
    return False


async def _fail(
    transaction: Transaction, work: Work, rt: WorkerRuntime, code: FailureCode, message: str
) -> None:
    """For a queued generation whose row is locked."""
    await lifecycle.fail(
        transaction, work, attempt=None, code=code, message=message, now=rt.clock.now()
    )
