"""Submits a generation: its one POST, and the result."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

from app.db import durations, generation_inputs, pauses, transitions
from app.db.faults import Conflict, Fault
from app.db.generation_inputs import Uploads
from app.db.session import Tx
from app.db.transitions import Work
from app.db.upstream_keys import NO_KEY_SECONDS, Slot, take_slot
from app.db.upstream_watermarks import Mark
from app.domain.catalog.models import Model
from app.domain.catalog.spec import Spec
from app.domain.generation import RECORD_OF_ANOTHER, UPSTREAM_ID_REPEATED, FailureCode, State
from app.domain.inputs import named
from app.domain.operators import Pause
from app.domain.polling import Pace
from app.errors import Unavailable
from app.generations import lifecycle
from app.generations.lifecycle import Transaction
from app.runtime import WorkerRuntime
from app.telemetry import logger
from app.upstream.answers import (
    Failed,
    Lost,
    NotProcessed,
    Running,
    SubmitAnswer,
    Succeeded,
)
from app.upstream.inflight import UNPROVEN_SECONDS
from app.worker import records, uploads, upstream_keys
from app.worker.persist import persisted
from app.worker.turns import SUBMIT_AHEAD, backoff_seconds, postpone, wait_for_turn
from app.worker.uploads import Incomplete
from app.worker.upstream_keys import Silent, Unproven

log = logger(__name__)

#: How long a stopping process tries to record that it lost track of a submission.
_LAST_WORDS_SECONDS = 5.0
#: The constraint that no two generations have the same upstream record.
_ONE_RECORD_EACH = "generations_upstream_idx"


@dataclass(frozen=True, slots=True)
class _Claim:
    """`spec` has what the upstream is sent: of inputs, their paths in the key's account."""

    work: Work
    model: Model
    spec: Spec
    attempt: UUID
    key_label: str
    mark: Mark | None


async def submit(rt: WorkerRuntime, generation_id: UUID) -> None:
    """Sends a queued generation, once. Reads the state first, because a job may run a second
    time."""
    claim = await _claim_when_wise(rt, generation_id, uuid4())
    if claim is None:
        return
    try:
        answer = await rt.upstream.submit(
            claim.key_label, claim.model, claim.spec, run_async=rt.settings.upstream_async
        )
    except asyncio.CancelledError:
        # The process is stopping and cannot wait longer; the POST may have been accepted.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                await persisted(lambda: record(rt, claim, Lost(reason="stopped")))
        raise
    try:
        await persisted(lambda: record(rt, claim, answer))
    except BaseException as error:
        # If it could not be recorded, at least the log has what an operator needs to resolve it.
        log.error(
            "answer_unrecorded",
            generation_id=str(generation_id),
            answer=type(answer).__name__,
            upstream_id=getattr(answer, "upstream_id", None),
            paths=getattr(answer, "paths", None),
        )
        if not isinstance(error, Exception):
            raise
        # The database refused something in the answer. Record at least that there was one.
        await persisted(lambda: record(rt, claim, Lost(reason="unrecorded")))
    finally:
        rt.upstream.in_flight(claim.key_label).prove()


async def _claim_when_wise(rt: WorkerRuntime, generation_id: UUID, attempt: UUID) -> _Claim | None:
    """The claim, once sending is not too risky; None if there is nothing to send now."""
    waited = False
    while True:
        try:
            return await persisted(lambda: _claim(rt, generation_id, attempt))
        except Incomplete:
            if not await uploads.prepare(rt, generation_id):
                return None
        except Silent as silent:
            await upstream_keys.check_silent(rt, silent.label)
        except Unproven as unproven:
            if waited:
                await persisted(lambda: _postpone(rt, generation_id))
                return None
            await rt.upstream.in_flight(unproven.label).wait_for_proof(UNPROVEN_SECONDS)
            waited = True


async def _postpone(rt: WorkerRuntime, generation_id: UUID) -> None:
    async with lifecycle.begin(rt) as transaction:
        work = await transitions.find_work(transaction.tx, generation_id, lock=True)
        if work is not None and work.state is State.QUEUED:
            await wait_for_turn(rt, transaction.tx, work, Slot(None, UNPROVEN_SECONDS))


async def _claim(rt: WorkerRuntime, generation_id: UUID, attempt: UUID) -> _Claim | None:
    """queued → submitting with this attempt, committed before the POST. None if there is nothing to
    send. Raises `Incomplete`, `Silent` and `Unproven`, without having changed anything."""
    key_ids = await rt.upstream_key_ids_now()
    labels = {key_id: label for label, key_id in key_ids.items()}
    now = rt.clock.now()
    async with lifecycle.begin(rt) as transaction:
        tx = transaction.tx
        work = await transitions.find_work(tx, generation_id, lock=True)
        if work is None:
            return None
        if work.state is State.SUBMITTING:
            return await _resume(rt, transaction, work, attempt, labels)
        if work.state is not State.QUEUED:
            return None
        if work.queue_deadline_at <= now:
            await lifecycle.fail(
                transaction,
                work,
                attempt=None,
                code=FailureCode.UPSTREAM_UNAVAILABLE,
                message="The upstream could not be reached in time; nothing was sent.",
                now=now,
            )
            return None
        model = rt.catalog.models.get(work.spec.model)
        if model is None:
            await lifecycle.fail(
                transaction,
                work,
                attempt=None,
                code=FailureCode.UPSTREAM_REFUSED,
                message=f"The model {work.spec.model} is no longer offered; nothing was sent.",
                now=now,
            )
            return None
        there = await _uploads(tx, work)
        if await pauses.is_paused(tx, Pause.SUBMISSION):
            slot = Slot(None, NO_KEY_SECONDS)
        elif there is None:
            slot = await _take_slot(rt, transaction, work, labels)
        else:
            ready = await uploads.ready_keys(rt, tx, there, work, labels)
            slot = await _take_slot(rt, transaction, work, ready)
        if slot.key_id is None:
            if there is None:
                await wait_for_turn(rt, tx, work, slot)
            else:
                # Others may go through keys that this one may not.
                await postpone(rt, tx, work, seconds=slot.wait_seconds)
            return None
        label = labels[slot.key_id]
        upstream_keys.refuse_silent(rt, label)
        await upstream_keys.refuse_unproven(rt, tx, label)
        await lifecycle.begin_attempt(
            transaction, work.id, attempt=attempt, upstream_key_id=slot.key_id, now=now
        )
    return _Claim(work, model, _sent(work, there, slot.key_id), attempt, label, slot.mark)


async def _uploads(tx: Tx, work: Work) -> Uploads | None:
    """None if it is made of no inputs."""
    return await generation_inputs.uploads_of(tx, work.id) if work.inputs else None


def _sent(work: Work, there: Uploads | None, key_id: int) -> Spec:
    """What the upstream is sent through this key."""
    return work.spec if there is None else named(work.spec, there.paths[key_id], work.inputs)


async def _take_slot(
    rt: WorkerRuntime, transaction: Transaction, work: Work, labels: dict[int, str]
) -> Slot:
    """One request of a key whose account leaves enough after it."""
    keys = [key_id for key_id, label in labels.items() if upstream_keys.keeps_up(rt, label)]
    while True:
        slot = await take_slot(
            transaction.tx,
            keys,
            per_minute=rt.settings.upstream_rate_per_minute,
            ahead=SUBMIT_AHEAD,
            trial_seconds=upstream_keys.BREAKER_SECONDS,
        )
        if slot.key_id is None or not await upstream_keys.keep_reserve(
            rt, transaction, labels[slot.key_id], quote=work.quote
        ):
            return slot


async def _resume(
    rt: WorkerRuntime,
    transaction: Transaction,
    work: Work,
    attempt: UUID,
    labels: dict[int, str],
) -> _Claim | None:
    """Handles a generation that is already `submitting`: it is ours if the confirmation of our
    commit was lost; otherwise its worker died between its commit and the answer."""
    if work.attempt == attempt and work.upstream_key_id in labels:
        model = rt.catalog.models[work.spec.model]
        spec = _sent(work, await _uploads(transaction.tx, work), work.upstream_key_id)
        return _Claim(work, model, spec, attempt, labels[work.upstream_key_id], None)
    await lifecycle.mark_unknown(transaction, work, attempt=work.attempt, reason="worker_died")
    transaction.on_commit(rt.metrics.rescued.labels("submitting").inc)
    transaction.on_commit(
        partial(log.warning, "submission_lost", generation_id=str(work.id), reason="worker_died")
    )
    return None


async def record(rt: WorkerRuntime, claim: _Claim, answer: SubmitAnswer) -> None:
    """Records the answer. If the generation has left `submitting` meanwhile, only an answer that
    adds something counts; any other lost the race."""
    look_after = await _first_look(rt, claim.work) if isinstance(answer, Running) else 0.0
    try:
        async with lifecycle.begin(rt) as transaction:
            if await records.is_of_another(transaction.tx, claim.work, answer):
                state = await _mark_unknown(transaction, claim, RECORD_OF_ANOTHER)
            else:
                state = await _apply(rt, transaction, claim, answer, look_after=look_after)
            await records.keep_words(transaction.tx, claim.work, answer)
            key_id = rt.upstream_key_ids[claim.key_label]
            await records.keep_figures(
                rt, transaction, key_id, claim.mark, answer,
                record=getattr(answer, "upstream_id", None),
            )  # fmt: skip
            await upstream_keys.record(rt, transaction, claim.key_label, answer)
    except Conflict as conflict:
        if conflict.constraint != _ONE_RECORD_EACH:
            raise
        # Another generation already has this upstream record, so nobody can know whose it is.
        upstream_id = getattr(answer, "upstream_id", None) or ""
        async with lifecycle.begin(rt) as transaction:
            await records.dispute(transaction, upstream_id)
            state = await _mark_unknown(transaction, claim, UPSTREAM_ID_REPEATED)
            await records.keep_words(transaction.tx, claim.work, answer)
            await upstream_keys.record(rt, transaction, claim.key_label, answer)
    if state is None:
        # An operator may have resolved it; then this id is recorded nowhere else.
        log.warning(
            "late_answer", generation_id=str(claim.work.id), answer=type(answer).__name__,
            upstream_id=getattr(answer, "upstream_id", None),
        )  # fmt: skip
        return
    reason = getattr(answer, "reason", None) or getattr(answer, "code", None)
    log.info("submitted", generation_id=str(claim.work.id), state=state.value, reason=reason)


async def _mark_unknown(transaction: Transaction, claim: _Claim, reason: str) -> State | None:
    return await lifecycle.mark_unknown(
        transaction, claim.work, attempt=claim.attempt, reason=reason
    )


async def _first_look(rt: WorkerRuntime, work: Work) -> float:
    """Seconds until the first poll. Read before the answer is recorded and in another transaction:
    the history is useful, but the id was paid for."""
    try:
        async with rt.db.single() as tx:
            history = await durations.history_of(tx, work.spec.kind)
    except (Unavailable, Fault):
        return rt.settings.poll_first_seconds
    return pace_of(rt).first_look(samples=history.samples, p10_seconds=history.p10_seconds)


async def _apply(
    rt: WorkerRuntime,
    transaction: Transaction,
    claim: _Claim,
    answer: SubmitAnswer,
    *,
    look_after: float,
) -> State | None:
    work, attempt, now = claim.work, claim.attempt, rt.clock.now()
    match answer:
        case Running():
            return await lifecycle.run(
                transaction, work, attempt=attempt, upstream_id=answer.upstream_id, now=now,
                poll_at=now + timedelta(seconds=look_after),
            )  # fmt: skip
        case Succeeded():
            return await lifecycle.succeed(
                transaction, work, attempt=attempt, upstream_id=answer.upstream_id,
                paths=answer.paths, link=answer.link, now=now,
            )  # fmt: skip
        case Failed():
            return await lifecycle.fail(
                transaction, work, attempt=attempt, code=answer.code, message=answer.message,
                now=now, billed_credits=answer.billed_credits, upstream_id=answer.upstream_id,
            )  # fmt: skip
        case NotProcessed():
            return await _send_again(rt, transaction, claim, answer)
        case Lost():
            return await _mark_unknown(transaction, claim, answer.reason)


async def _send_again(
    rt: WorkerRuntime, transaction: Transaction, claim: _Claim, answer: NotProcessed
) -> State | None:
    work = claim.work
    if answer.key_trouble is not None:
        await upstream_keys.set_aside(rt, transaction, claim.key_label, answer.key_trouble)
        # Another key may take it at once. If there is none, the claim finds no slot and waits.
        wait = 0.0
    else:
        wait = answer.retry_after_seconds or backoff_seconds(work.attempts)
    queued = await lifecycle.return_to_queue(
        transaction,
        work,
        attempt=claim.attempt,
        reason=answer.reason,
        at=rt.clock.now() + timedelta(seconds=wait),
    )
    # Or it was given up meanwhile; then it is known now that nothing was made or billed.
    return queued or await lifecycle.fail(
        transaction,
        work,
        attempt=claim.attempt,
        code=FailureCode.UPSTREAM_UNAVAILABLE,
        message="The upstream did not take the request; nothing was made.",
        now=rt.clock.now(),
    )


def pace_of(rt: WorkerRuntime) -> Pace:
    return Pace(
        first_seconds=rt.settings.poll_first_seconds,
        least_seconds=rt.settings.poll_seconds,
        requests_per_minute=rt.settings.upstream_rate_per_minute,
    )
