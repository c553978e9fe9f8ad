"""The only module that changes states.

The arrows guard each transition. In the same transaction it settles the hold, records the event,
enqueues webhooks and notifies those who wait. It returns the state that was entered, or None if the
generation had already left. Metrics and logs follow once the transaction has committed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from app.db import assets, ledger, transitions, webhook_deliveries
from app.db.jobs import Job, enqueue
from app.db.session import Tx
from app.db.transitions import Work
from app.domain.generation import CLOSED, FailureCode, State, sources
from app.domain.webhooks import EVENT_OF_STATE
from app.runtime import Runtime

#: The upstream signs its links for seven days (X-Amz-Expires in its documented answer).
UPSTREAM_LINK_SECONDS = 604_800


@dataclass(frozen=True, slots=True)
class Transaction:
    """A database transaction, and what is reported once it has committed."""

    tx: Tx
    entered: list[State] = field(default_factory=list)
    reports: list[Callable[[], object]] = field(default_factory=list)

    def on_commit(self, report: Callable[[], object]) -> None:
        """Calls `report` after the commit; a transaction that fails reports nothing."""
        self.reports.append(report)


@asynccontextmanager
async def begin(rt: Runtime) -> AsyncIterator[Transaction]:
    """The transaction in which states change. Raises what `Database.begin` raises."""
    async with rt.db.begin() as tx:
        transaction = Transaction(tx)
        yield transaction
    _count(rt, *transaction.entered)
    for report in transaction.reports:
        report()


def count_admission(rt: Runtime) -> None:
    """Counts a generation that admission has queued and committed."""
    _count(rt, State.QUEUED)


def _count(rt: Runtime, *entered: State) -> None:
    for state in entered:
        rt.metrics.transitions.labels(state.value).inc()


async def begin_attempt(
    transaction: Transaction,
    generation_id: UUID,
    *,
    attempt: UUID,
    upstream_key_id: int,
    now: datetime,
) -> State | None:
    """queued → submitting, before a byte goes upstream."""
    return await _move(
        transaction,
        generation_id,
        State.SUBMITTING,
        event={"attempt": str(attempt), "upstream_key_id": upstream_key_id},
        attempt=attempt,
        upstream_key_id=upstream_key_id,
        submitted_at=now,
    )


async def return_to_queue(
    transaction: Transaction, work: Work, *, attempt: UUID, reason: str, at: datetime
) -> State | None:
    """submitting → queued: the upstream surely did not process it, so it is sent again at `at`."""
    entered = await _move(
        transaction,
        work.id,
        State.QUEUED,
        guard=attempt,
        event={"reason": reason},
        submitted_at=None,
        # The attempt is over: its answer, if it arrives twice, must not find the generation.
        attempt=None,
    )
    if entered:
        await enqueue(transaction.tx, Job.SUBMIT, work.id, priority=work.priority, at=at)
    return entered


async def run(
    transaction: Transaction,
    work: Work,
    *,
    attempt: UUID,
    upstream_id: str,
    now: datetime,
    poll_at: datetime,
) -> State | None:
    """submitting → running: the upstream gave an id. If the generation has become unknown
    meanwhile, it stays unknown, which is returned, and keeps the id so that it can be polled."""
    entered = await _move(
        transaction,
        work.id,
        State.RUNNING,
        guard=attempt,
        event={},
        upstream_id=upstream_id,
        running_at=now,
    )
    if entered is None and await transitions.keep_late_upstream_id(
        transaction.tx, work.id, attempt=attempt, upstream_id=upstream_id, at=now
    ):
        entered = State.UNKNOWN
    if entered:
        await enqueue(transaction.tx, Job.POLL, work.id, priority=work.priority, at=poll_at)
    return entered


async def poll_record(
    transaction: Transaction, work: Work, *, upstream_id: str, upstream_key_id: int, now: datetime
) -> None:
    """Polls an unknown generation now, under this record of the upstream's; the answer ends it.
    Raises `Conflict` if another generation has the record."""
    await transitions.set_upstream_id(
        transaction.tx, work.id, upstream_id=upstream_id, upstream_key_id=upstream_key_id, at=now
    )
    await enqueue(transaction.tx, Job.POLL, work.id, priority=work.priority)


async def succeed(
    transaction: Transaction,
    work: Work,
    *,
    attempt: UUID | None,
    upstream_id: str | None,
    paths: tuple[str, ...],
    link: str | None,
    now: datetime,
    polled_id: str | None = None,
    archived_as: str | None = None,
) -> State | None:
    """→ succeeded: the quote is settled and the video is archived. `polled_id` is the upstream id
    that was polled; nothing changes if the generation has another one by now. `archived_as` is the
    path of the film if it is in the archive already, although no row says so."""
    columns: dict[str, Any] = {"result_paths": list(paths)}
    if upstream_id is not None:
        columns["upstream_id"] = upstream_id
    entered = await _move(
        transaction,
        work.id,
        State.SUCCEEDED,
        guard=attempt,
        polled_id=polled_id,
        event={"settled": work.quote},
        finished_at=now,
        unknown_reason=None,
        error_code=None,
        error_message=None,
        **columns,
    )
    if entered:
        await ledger.close_hold(transaction.tx, work.id, settle=work.quote)
        await assets.create_video(
            transaction.tx,
            work.id,
            link=link,
            link_expires_at=now + timedelta(seconds=UPSTREAM_LINK_SECONDS),
            path=archived_as,
        )
        await enqueue(transaction.tx, Job.ARCHIVE, work.id)
    return entered


async def fail(
    transaction: Transaction,
    work: Work,
    *,
    attempt: UUID | None,
    code: FailureCode,
    message: str,
    now: datetime,
    billed_credits: int | None = None,
    upstream_id: str | None = None,
    polled_id: str | None = None,
) -> State | None:
    """→ failed: the hold is released, or settled if the upstream says it billed. `polled_id` is as
    for `succeed`."""
    settle = min(billed_credits or 0, work.quote)
    # Kept, so that an operator can still ask the upstream about it.
    columns = {} if upstream_id is None else {"upstream_id": upstream_id}
    entered = await _move(
        transaction,
        work.id,
        State.FAILED,
        guard=attempt,
        polled_id=polled_id,
        event={"code": code, "settled": settle},
        unknown_reason=None,
        error_code=code,
        error_message=message,
        finished_at=now,
        **columns,
    )
    if entered:
        await ledger.close_hold(transaction.tx, work.id, settle=settle)
    return entered


async def cancel(transaction: Transaction, generation_id: UUID, *, now: datetime) -> State | None:
    """queued → canceled: the hold is released."""
    entered = await _move(
        transaction,
        generation_id,
        State.CANCELED,
        event={},
        error_code=FailureCode.CANCELED,
        error_message="Canceled before it was sent to the upstream.",
        finished_at=now,
    )
    if entered:
        await ledger.close_hold(transaction.tx, generation_id, settle=0)
    return entered


async def mark_unknown(
    transaction: Transaction, work: Work, *, attempt: UUID | None, reason: str
) -> State | None:
    """→ unknown: nobody can know whether it was made and billed. The hold stays."""
    return await _move(
        transaction,
        work.id,
        State.UNKNOWN,
        guard=attempt,
        event={"reason": reason},
        unknown_reason=reason,
        error_code=FailureCode.OUTCOME_UNKNOWN,
        error_message="The upstream's answer was lost; the credits stay set aside until it is "
        "known what became of it.",
    )


async def dispute(transaction: Transaction, work: Work, *, reason: str) -> State | None:
    """→ unknown, or unknown for another reason, one of `DISPUTED`: its record may belong to another
    generation, so no poll may end it."""
    if work.state is State.UNKNOWN:
        await transitions.set_unknown_reason(transaction.tx, work.id, reason)
        return State.UNKNOWN
    return await mark_unknown(transaction, work, attempt=work.attempt, reason=reason)


async def mark_unknown_after_restore(transaction: Transaction, generation_id: UUID) -> State | None:
    """queued or submitting → unknown: it may have been sent after the backup was taken. The hold
    stays. A queued generation passes through `submitting`, since the arrows have no direct way."""
    event = {"reason": "restored"}
    await _move(transaction, generation_id, State.SUBMITTING, event=event, attempt=uuid4())
    return await _move(
        transaction,
        generation_id,
        State.UNKNOWN,
        event=event,
        unknown_reason="restored",
        error_code=FailureCode.OUTCOME_UNKNOWN,
        error_message="The gateway was restored from a backup and may have sent this since then; "
        "the credits stay reserved until the outcome is known.",
    )


async def _move(
    transaction: Transaction,
    generation_id: UUID,
    to: State,
    *,
    event: Mapping[str, Any],
    guard: UUID | None = None,
    polled_id: str | None = None,
    **columns: Any,
) -> State | None:
    tx = transaction.tx
    moved = await transitions.move(
        tx,
        generation_id,
        to=to,
        sources=sources(to),
        attempt=guard,
        upstream_id=polled_id,
        event=event,
        columns=columns,
    )
    if not moved:
        return None
    if event_of := EVENT_OF_STATE.get(to):
        await webhook_deliveries.make(tx, generation_id, event_of, cause=f"generation.{to}")
    if to in CLOSED:
        await transitions.announce(tx, generation_id)
    transaction.entered.append(to)
    return to
