"""The only mover of states: each move is guarded by the arrows, settles the hold where it ends,
records the event, sees to it that those who asked are told, and wakes whoever waits, all in the
caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from app.db import assets, ledger, transitions, webhook_deliveries
from app.db.jobs import Job, enqueue
from app.db.session import Tx
from app.db.transitions import Work
from app.domain.generation import RESTING, State, sources

#: The upstream signs its links for seven days (X-Amz-Expires of the seed's answer).
UPSTREAM_LINK_SECONDS = 604_800


async def begin_attempt(
    tx: Tx, generation_id: UUID, *, attempt: UUID, upstream_key_id: int, now: datetime
) -> bool:
    """queued → submitting, before a byte goes upstream."""
    return await _move(
        tx,
        generation_id,
        State.SUBMITTING,
        event={"attempt": str(attempt)},
        attempt=attempt,
        upstream_key_id=upstream_key_id,
        submitted_at=now,
    )


async def return_to_queue(tx: Tx, work: Work, *, attempt: UUID, reason: str, at: datetime) -> bool:
    """submitting → queued: the upstream surely did not process it, so it is sent again at `at`."""
    moved = await _move(
        tx, work.id, State.QUEUED, guard=attempt, event={"reason": reason}, submitted_at=None,
        # The attempt is over: a repeated report of it must not meet the generation again.
        attempt=None,
    )  # fmt: skip
    if moved:
        await enqueue(tx, Job.SUBMIT, work.id, priority=work.priority, at=at)
    return moved


async def run(
    tx: Tx, work: Work, *, attempt: UUID, upstream_id: str, now: datetime, poll_at: datetime
) -> bool:
    """submitting → running: the upstream gave an id. An id that comes late, to a generation that
    is unknown by now, is kept so that it can be polled."""
    moved = await _move(
        tx,
        work.id,
        State.RUNNING,
        guard=attempt,
        event={},
        upstream_id=upstream_id,
        running_at=now,
    )
    if not moved:
        moved = await transitions.learn_upstream_id(
            tx, work.id, attempt=attempt, upstream_id=upstream_id, at=now
        )
    if moved:
        await enqueue(tx, Job.POLL, work.id, priority=work.priority, at=poll_at)
    return moved


async def look_up(
    tx: Tx, work: Work, *, upstream_id: str, upstream_key_id: int, now: datetime
) -> None:
    """unknown, and asked for at once: a poll ends it by what the upstream says of this record.
    Raises `Conflict` where another generation has it."""
    await transitions.point_at(
        tx, work.id, upstream_id=upstream_id, upstream_key_id=upstream_key_id, at=now
    )
    await enqueue(tx, Job.POLL, work.id, priority=work.priority)


async def succeed(
    tx: Tx,
    work: Work,
    *,
    attempt: UUID | None,
    upstream_id: str | None,
    paths: tuple[str, ...],
    link: str | None,
    now: datetime,
    seen_in: str | None = None,
) -> bool:
    """→ succeeded: the quote is settled and the video goes to the archive. `seen_in` is the record
    of the upstream's that a look found it in; nothing is done where it is asked for another."""
    columns: dict[str, Any] = {"result_paths": list(paths)}
    if upstream_id is not None:
        columns["upstream_id"] = upstream_id
    moved = await _move(
        tx,
        work.id,
        State.SUCCEEDED,
        guard=attempt,
        seen_in=seen_in,
        event={"settled": work.quote},
        finished_at=now,
        error_code=None,
        error_message=None,
        **columns,
    )
    if moved:
        await ledger.close_hold(tx, work.id, settle=work.quote)
        await assets.create_video(
            tx,
            work.id,
            link=link,
            link_expires_at=now + timedelta(seconds=UPSTREAM_LINK_SECONDS),
        )
        await enqueue(tx, Job.ARCHIVE, work.id)
    return moved


async def fail(
    tx: Tx,
    work: Work,
    *,
    attempt: UUID | None,
    code: str,
    message: str,
    now: datetime,
    billed_credits: int | None = None,
    upstream_id: str | None = None,
    seen_in: str | None = None,
) -> bool:
    """→ failed: the hold is released, or settled where the upstream says that it billed. `seen_in`
    as for `succeed`."""
    settle = min(billed_credits or 0, work.quote)
    # Kept, so that an operator can still ask the upstream about it.
    columns = {} if upstream_id is None else {"upstream_id": upstream_id}
    moved = await _move(
        tx,
        work.id,
        State.FAILED,
        guard=attempt,
        seen_in=seen_in,
        event={"code": code, "settled": settle},
        error_code=code,
        error_message=message,
        finished_at=now,
        **columns,
    )
    if moved:
        await ledger.close_hold(tx, work.id, settle=settle)
    return moved


async def cancel(tx: Tx, generation_id: UUID, *, now: datetime) -> bool:
    """queued → canceled: the hold is released. False where it is no longer queued."""
    moved = await _move(
        tx,
        generation_id,
        State.CANCELED,
        event={},
        error_code="canceled",
        error_message="Canceled before it was sent to the upstream.",
        finished_at=now,
    )
    if moved:
        await ledger.close_hold(tx, generation_id, settle=0)
    return moved


async def lose_track(tx: Tx, work: Work, *, attempt: UUID | None, reason: str) -> bool:
    """→ unknown: nobody can know whether it was made and billed. The hold stays."""
    return await _move(
        tx,
        work.id,
        State.UNKNOWN,
        guard=attempt,
        event={"reason": reason},
        error_code="outcome_unknown",
        error_message="The upstream's answer was lost; the credits stay set aside until it is "
        "known what became of it.",
    )


async def hold_back(tx: Tx, generation_id: UUID) -> bool:
    """queued or submitting → unknown, after a restore: it may have been sent since the dump. The
    hold stays. It goes through `submitting`, the state of what may be on its way."""
    await _move(tx, generation_id, State.SUBMITTING, event={"reason": "restored"}, attempt=uuid4())
    return await _move(
        tx,
        generation_id,
        State.UNKNOWN,
        event={"reason": "restored"},
        error_code="outcome_unknown",
        error_message="The gateway was restored from a backup and may have sent this since then; "
        "the credits stay set aside until it is known what became of it.",
    )


async def _move(
    tx: Tx,
    generation_id: UUID,
    to: State,
    *,
    event: Mapping[str, Any],
    guard: UUID | None = None,
    seen_in: str | None = None,
    **columns: Any,
) -> bool:
    moved = await transitions.move(
        tx,
        generation_id,
        to=to,
        sources=sources(to),
        attempt=guard,
        upstream_id=seen_in,
        event=event,
        columns=columns,
    )
    if moved:
        await webhook_deliveries.make(tx, generation_id, entered=to)
    if moved and to in RESTING:
        await transitions.announce(tx, generation_id)
    return moved
