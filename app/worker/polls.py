"""Polls the upstream for a generation that has an upstream id."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from app.db import transitions, turns, upstream_keys
from app.db.jobs import Job, enqueue
from app.db.session import Tx
from app.db.transitions import Work
from app.db.upstream_watermarks import Mark
from app.domain.generation import DISPUTED, RECORD_OF_ANOTHER, State
from app.generations import lifecycle
from app.generations.lifecycle import Transaction
from app.runtime import WorkerRuntime
from app.telemetry import logger
from app.upstream.answers import Busy, Failed, ResultAnswer, Succeeded, Unconfirmed
from app.worker import records
from app.worker.persist import persisted
from app.worker.submissions import pace_of
from app.worker.upstream_keys import set_aside

log = logger(__name__)

POLL_AHEAD = 10
#: How long an unknown generation with an upstream id is polled. A week outlasts any likely outage
#: of the upstream; after that, an operator resolves it.
UNKNOWN_SECONDS = 604_800.0
#: While the key that created a generation is not configured here, nothing else can poll it.
_NO_KEY_SECONDS = 300.0
#: How long to wait before checking again whether the film of an undocumented status is complete.
_UNCONFIRMED_SECONDS = 60.0
_POLLED = frozenset({State.RUNNING, State.UNKNOWN})


async def poll(rt: WorkerRuntime, generation_id: UUID) -> None:
    """One poll of a running or unknown generation. The next poll is another job."""
    key_ids = await rt.upstream_key_ids_now()
    labels = {key_id: label for label, key_id in key_ids.items()}
    turn = await _take_turn(rt, generation_id, labels)
    if turn is None:
        return
    work, mark = turn
    if work.upstream_id is None or work.upstream_key_id is None:
        return
    label = labels[work.upstream_key_id]
    answer = await rt.upstream.result(label, work.upstream_id)
    await persisted(lambda: record(rt, work, answer, mark=mark))


def _is_polled(work: Work) -> bool:
    return (
        work.state in _POLLED
        and work.upstream_id is not None
        and work.unknown_reason not in DISPUTED
    )


async def _take_turn(
    rt: WorkerRuntime, generation_id: UUID, labels: dict[int, str]
) -> tuple[Work, Mark | None] | None:
    """The generation, with one request taken from its key's budget. Otherwise None, and a later job
    if there is still something to poll."""
    now = rt.clock.now()
    async with lifecycle.begin(rt) as transaction:
        tx = transaction.tx
        work = await transitions.find_work(tx, generation_id)
        if work is None or not _is_polled(work):
            return None
        if work.upstream_key_id not in labels:
            log.warning("upstream_key_missing", generation_id=str(work.id))
            await _mark_unknown_when_overdue(rt, transaction, work, now, reason="deadline")
            if _worth_asking(work, now):
                await _poll_at(tx, work, now + timedelta(seconds=_NO_KEY_SECONDS))
            return None
        slot = await upstream_keys.take_slot(
            tx,
            [work.upstream_key_id],
            per_minute=rt.settings.upstream_rate_per_minute,
            ahead=POLL_AHEAD,
            any_state=True,
        )
        if slot.key_id is None:
            running = await transitions.count_running(tx, work.upstream_key_id)
            await enqueue(tx, Job.POLL, work.id, priority=work.priority)
            await turns.spread_polls(
                tx,
                work.upstream_key_id,
                wait_seconds=slot.wait_seconds,
                over_seconds=pace_of(rt).round(running=running),
            )
            return None
        return work, slot.mark


async def record(
    rt: WorkerRuntime,
    work: Work,
    answer: ResultAnswer,
    *,
    mark: Mark | None = None,
    archived_as: str | None = None,
) -> State | None:
    """Records the result of a poll and, if that was not final, schedules the next one. Returns the
    state that was entered. `mark` is what was known of the key's account before, `archived_as` as
    for `lifecycle.succeed`."""
    now = rt.clock.now()
    async with lifecycle.begin(rt) as transaction:
        current = await transitions.find_work(transaction.tx, work.id, lock=True)
        if current is None or not _is_polled(current) or current.upstream_id != work.upstream_id:
            # It has ended, is disputed, or has another upstream id by now.
            return None
        work = current
        await records.keep_words(transaction.tx, work, answer)
        if await records.is_of_another(transaction.tx, work, answer):
            await lifecycle.dispute(transaction, work, reason=RECORD_OF_ANOTHER)
            transaction.on_commit(partial(log.error, RECORD_OF_ANOTHER, generation_id=str(work.id)))
            return None
        match answer:
            case Succeeded():
                entered = await lifecycle.succeed(
                    transaction, work, attempt=None, upstream_id=None, paths=answer.paths,
                    link=answer.link, now=now, polled_id=work.upstream_id,
                    archived_as=archived_as,
                )  # fmt: skip
            case Failed():
                entered = await lifecycle.fail(
                    transaction, work, attempt=None, code=answer.code, message=answer.message,
                    now=now, billed_credits=answer.billed_credits, polled_id=work.upstream_id,
                )  # fmt: skip
            case _:
                entered = await _keep_looking(rt, transaction, work, answer, now)
        await records.keep_figures(
            rt, transaction, work.upstream_key_id or 0, mark, answer, record=work.upstream_id
        )
    if entered is not None:
        log.info("polled", generation_id=str(work.id), state=entered.value)
    return entered


async def _keep_looking(
    rt: WorkerRuntime, transaction: Transaction, work: Work, answer: ResultAnswer, now: datetime
) -> State | None:
    """Schedules the next poll while there is something to poll."""
    tx = transaction.tx
    running = await transitions.count_poll(tx, work.id)
    overdue = _elapsed(work, now) > rt.settings.running_seconds
    unconfirmed = isinstance(answer, Unconfirmed)
    entered = await _mark_unknown_when_overdue(
        rt, transaction, work, now, reason="unconfirmed" if unconfirmed else "deadline"
    )
    if unconfirmed:
        await enqueue(tx, Job.ARCHIVE, work.id)
    if isinstance(answer, Busy) and answer.key_trouble is not None and work.upstream_key_id:
        label = next(name for name, i in rt.upstream_key_ids.items() if i == work.upstream_key_id)
        await set_aside(rt, transaction, label, answer.key_trouble)
    if work.state is State.UNKNOWN or overdue:
        if not _worth_asking(work, now):
            return entered
        wait = pace_of(rt).next_look_at_unknown(elapsed_seconds=_elapsed(work, now))
    else:
        wait = pace_of(rt).next_look(running=running)
    if unconfirmed:
        wait = max(wait, _UNCONFIRMED_SECONDS)
    if isinstance(answer, Busy) and answer.retry_after_seconds:
        wait = max(wait, answer.retry_after_seconds)
    await _poll_at(tx, work, now + timedelta(seconds=wait))
    return entered


async def _mark_unknown_when_overdue(
    rt: WorkerRuntime, transaction: Transaction, work: Work, now: datetime, *, reason: str
) -> State | None:
    """A running generation past its deadline becomes unknown."""
    if work.state is not State.RUNNING or _elapsed(work, now) <= rt.settings.running_seconds:
        return None
    return await lifecycle.mark_unknown(transaction, work, attempt=None, reason=reason)


def _worth_asking(work: Work, now: datetime) -> bool:
    if _elapsed(work, now) <= UNKNOWN_SECONDS:
        return True
    log.error("unknown_given_up", generation_id=str(work.id))
    return False


def _elapsed(work: Work, now: datetime) -> float:
    return (now - (work.running_at or now)).total_seconds()


async def _poll_at(tx: Tx, work: Work, at: datetime) -> None:
    await enqueue(tx, Job.POLL, work.id, priority=work.priority, at=at)
