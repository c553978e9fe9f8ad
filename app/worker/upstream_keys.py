"""Decides whether submissions may use an upstream key: it may be set aside, silent, slow, or behind
an open breaker.

`domain/upstream_keys.py` documents the states. The breaker is in the database, shared by all
workers; what this process alone observes of the upstream is in `upstream/inflight.py`.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from app.db import jobs, upstream_keys, upstream_looks, upstream_watermarks
from app.db.jobs import Job
from app.db.session import Tx
from app.db.upstream_keys import UpstreamKey
from app.domain.upstream_keys import KeyCheck
from app.generations import lifecycle
from app.generations.lifecycle import Transaction
from app.runtime import WorkerRuntime
from app.telemetry import logger
from app.upstream.answers import KeyTrouble, Lost, NotProcessed, SubmitAnswer
from app.upstream.inflight import UNPROVEN_SECONDS
from app.worker.persist import persisted

log = logger(__name__)

#: A rejected key is tried again after this time, so that topping up or reactivating needs no
#: restart.
_ASIDE_SECONDS = {KeyTrouble.REJECTED: 600.0, KeyTrouble.OUT_OF_CREDITS: 600.0}
#: How long the breaker stays open before the first probe, and how long a trial may take; each probe
#: doubles both. It is long enough for a server of the upstream to restart, and far less than a
#: render takes, so that those who wait for a video hardly notice.
BREAKER_SECONDS = 15.0
#: How far a look-up that is about no generation may run ahead of the budget: as far as a poll.
LOOK_AHEAD = 10


#: Why a key is set aside that could use what is to be left in its account.
RESERVE = "reserve"


class Unproven(Exception):
    """As many submissions through a key are unanswered as would open its breaker."""

    def __init__(self, label: str) -> None:
        self.label = label
        super().__init__(label)


class Silent(Exception):
    """Nothing arrives through a key while earlier submissions wait for their answers."""

    def __init__(self, label: str) -> None:
        self.label = label
        super().__init__(label)


def refuse_silent(rt: WorkerRuntime, label: str) -> None:
    """Raises `Silent`."""
    if rt.upstream.in_flight(label).is_silent(rt.settings.breaker_failures):
        raise Silent(label)


async def refuse_unproven(rt: WorkerRuntime, tx: Tx, label: str) -> None:
    """Raises `Unproven`: each of the latest submissions may turn out to be paid and lost."""
    settings = rt.settings
    threshold = settings.breaker_failures + rt.upstream.in_flight(label).answers_lately()
    seconds = UNPROVEN_SECONDS
    if not settings.upstream_async:
        # On held connections an answer takes as long as a render, so wait no longer than the budget
        # does.
        pace = 60 / settings.upstream_rate_per_minute
        seconds = min(seconds, settings.breaker_failures * pace)
    since = rt.clock.now() - timedelta(seconds=seconds)
    key_id = rt.upstream_key_ids[label]
    unproven = await upstream_keys.count_unproven(tx, key_id, since=since, at_most=threshold)
    if unproven >= threshold:
        raise Unproven(label)


async def check_silent(rt: WorkerRuntime, label: str) -> None:
    """Makes a look-up, which is free. If that gets no answer either, the breaker opens. All
    submissions that wait share one look-up."""
    in_flight, threshold = rt.upstream.in_flight(label), rt.settings.breaker_failures
    async with in_flight.asking:
        if not in_flight.is_silent(threshold):
            return
        await rt.upstream.check_key(label)
        if in_flight.is_silent(threshold):
            await persisted(lambda: _open(rt, label))
            in_flight.hear()


async def _open(rt: WorkerRuntime, label: str) -> None:
    async with lifecycle.begin(rt) as transaction:
        await _record_failure(rt, transaction, label, threshold=1)


def keeps_up(rt: WorkerRuntime, label: str) -> bool:
    """Whether submissions through a key are answered about as fast as recent ones were."""
    in_flight = rt.upstream.in_flight(label)
    overdue = in_flight.is_overdue(rt.settings.breaker_failures)
    if overdue is not in_flight.held_back:
        in_flight.held_back = overdue
        log.warning("submissions_delayed" if overdue else "submissions_resumed", label=label)
    return not overdue


async def record(
    rt: WorkerRuntime, transaction: Transaction, label: str, answer: SubmitAnswer
) -> None:
    """Reports the result of a submission to the breaker of its key."""
    if isinstance(answer, Lost) and answer.reason == "stopped":
        # This process ended it, which says nothing about the upstream.
        return
    unanswered = isinstance(answer, Lost) or (
        isinstance(answer, NotProcessed) and answer.reason in ("unreachable", "challenged")
    )
    if unanswered:
        await _record_failure(rt, transaction, label, threshold=rt.settings.breaker_failures)
    elif await upstream_keys.record_answer(transaction.tx, rt.upstream_key_ids[label]):
        # The others were postponed while this one was the trial.
        await jobs.run_all_now(transaction.tx, Job.SUBMIT)
        transaction.on_commit(partial(log.info, "breaker_closed", label=label))


async def _record_failure(
    rt: WorkerRuntime, transaction: Transaction, label: str, *, threshold: int
) -> None:
    if await upstream_keys.record_failure(
        transaction.tx, rt.upstream_key_ids[label], threshold=threshold,
        open_seconds=BREAKER_SECONDS,
    ):  # fmt: skip
        transaction.on_commit(rt.metrics.breaker_openings.labels(label).inc)
        transaction.on_commit(partial(log.error, "breaker_opened", label=label))


async def probe(rt: WorkerRuntime, key: UpstreamKey) -> None:
    """Looks up a result that does not exist, which is free. Any answer shows that the upstream is
    reachable, and makes the breaker half open."""
    if key.label not in rt.upstream.labels():
        return
    if await rt.upstream.check_key(key.label) is KeyCheck.UNREACHABLE:
        log.warning("breaker_stays_open", label=key.label)
        return
    async with rt.db.begin() as tx:
        if not await upstream_keys.half_open(tx, key):
            return
        await jobs.run_all_now(tx, Job.SUBMIT)
    log.info("breaker_half_open", label=key.label)


async def look_at(rt: WorkerRuntime, key: UpstreamKey) -> None:
    """Looks up an earlier record of the key, which is free: it tests the key, and shows the figures
    of its account."""
    if key.label not in rt.upstream.labels():
        return
    async with rt.db.begin() as tx:
        slot = await upstream_keys.take_slot(
            tx, [key.id], per_minute=rt.settings.upstream_rate_per_minute, ahead=LOOK_AHEAD,
            any_state=True,
        )  # fmt: skip
        record = await upstream_watermarks.find_record(tx, key.id)
    if slot.mark is None:
        # The budget is used up. The next round tries again.
        return
    check, figures = await rt.upstream.look_at(key.label, record)
    async with rt.db.begin() as tx:
        if figures is not None:
            await upstream_watermarks.observe(tx, key.id, slot.mark, figures, record=record)
        if key.test_requested_at is not None:
            await upstream_looks.record_test(tx, key, check)
    log.info("upstream_key_looked_at", label=key.label, result=check.value)


async def keep_reserve(
    rt: WorkerRuntime, transaction: Transaction, label: str, *, quote: int
) -> bool:
    """Sets a key aside if a submission might use what is to be left in its account. True if it did.
    The key's slot must be taken: then no other submission begins."""
    reserve, key_id = rt.settings.upstream_reserve_credits, rt.upstream_key_ids[label]
    if reserve is None or not await upstream_watermarks.reaches_reserve(
        transaction.tx, key_id, quote=quote, reserve=reserve
    ):
        return False
    await upstream_keys.set_aside(transaction.tx, key_id, reason=RESERVE, needed=quote)
    transaction.on_commit(partial(log.error, "upstream_key_set_aside", label=label, reason=RESERVE))
    return True


async def set_aside(
    rt: WorkerRuntime, transaction: Transaction, label: str, trouble: KeyTrouble
) -> None:
    """Stops submissions through a key for a while."""
    if await upstream_keys.set_aside(
        transaction.tx, rt.upstream_key_ids[label], reason=trouble.value,
        return_seconds=_ASIDE_SECONDS[trouble],
    ):  # fmt: skip
        transaction.on_commit(
            partial(log.error, "upstream_key_set_aside", label=label, reason=trouble.value)
        )
