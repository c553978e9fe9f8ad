"""An upstream that answers look-ups and no submissions: each submission costs an `unknown`, so one
at a time finds out whether the others may go."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.db import upstream_keys
from app.domain.generation import State
from app.domain.upstream_keys import BreakerState
from app.operators.upstream_keys import return_to_use
from app.upstream.answers import SubmitAnswer
from app.worker import upstream_keys as keys
from app.worker.submissions import submit
from tests.harness.gateway import Gateway, gateway
from tests.simulator.conftest import until
from tests.worker.test_breaker import key_of, probe_when_due
from tests.worker.test_submissions import created, submissions_of, work_of

FEW = 2


@pytest.fixture(autouse=True)
def _only_the_breaker(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has just been sent holds back no others: here all are sent before any answer."""
    monkeypatch.setattr(keys, "UNPROVEN_SECONDS", 0.0)


async def submit_all(gate: Gateway, uuids: list[str]) -> Counter[State]:
    """All at once, as workers do when a key is free again: each has asked whether it may be sent
    before any is answered. Their states afterwards."""
    sent, all_asked, send = 0, asyncio.Event(), gate.worker.upstream.submit

    async def held(*args: Any, **options: Any) -> SubmitAnswer:
        nonlocal sent
        sent += 1
        await all_asked.wait()
        return await send(*args, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gate.worker.upstream, "submit", held)
        submitting = [asyncio.create_task(submit(gate.worker, UUID(uuid))) for uuid in uuids]

        async def have_asked() -> bool:
            return sent + sum(one.done() for one in submitting) == len(submitting)

        await until(have_asked)
        all_asked.set()
        await asyncio.gather(*submitting)
    return Counter([(await work_of(gate, uuid)).state for uuid in uuids])


async def lose_one(gate: Gateway, key: str) -> None:
    await gate.simulator.fault("http_504", match={"path": "features"}, times=1)
    await submit_all(gate, [await created(gate, key, "lost")])


async def fetch_all(gate: Gateway) -> None:
    """As workers do it: who is fetched and put off again has a job of another time."""
    async with gate.rt.db.begin() as tx:
        await tx.execute(text("DELETE FROM procrastinate_jobs WHERE queue_name = 'submit'"))


async def postponed(gate: Gateway) -> list[bool]:
    """Of each submission that waits for a worker: whether it waits for a time to come."""
    async with gate.rt.db.single() as tx:
        found = await tx.execute(
            text(
                "SELECT coalesce(scheduled_at > now(), false) FROM procrastinate_jobs"
                " WHERE queue_name = 'submit' AND status = 'todo'"
            )
        )
    return [bool(later) for (later,) in found]


async def test_when_one_was_answered_the_others_go_at_once(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, worker=False, breaker_failures=1) as gate:
        ada = await gate.member()
        await lose_one(gate, ada)
        uuids = [await created(gate, ada, f"wave {number}") for number in range(4)]
        await fetch_all(gate)
        before = await submit_all(gate, uuids)
        assert before == {State.QUEUED: 4}
        assert await postponed(gate) == [True] * 4
        await probe_when_due(gate)
        await fetch_all(gate)
        assert await submit_all(gate, uuids) == {State.RUNNING: 1, State.QUEUED: 3}
        assert await postponed(gate) == [False] * 3


async def test_a_look_up_that_took_too_long_ends_nobody_elses_trial(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, worker=False, breaker_failures=1) as gate:
        await lose_one(gate, await gate.member())
        async with gate.rt.db.begin() as tx:
            await tx.execute(text("UPDATE upstream_keys SET breaker_until = now()"))
            (slow,) = await upstream_keys.claim_due_probes(tx, first_seconds=1)
        await probe_when_due(gate)
        async with gate.rt.db.begin() as tx:
            taken = await upstream_keys.take_slot(
                tx, [slow.id], per_minute=60, ahead=1, trial_seconds=60
            )
            assert taken.key_id == slow.id
        on_trial = await key_of(gate)
        assert on_trial.breaker is BreakerState.HALF_OPEN
        assert on_trial.breaker_until is not None
        async with gate.rt.db.begin() as tx:
            assert not await upstream_keys.half_open(tx, slow)
        assert await key_of(gate) == on_trial


@pytest.mark.parametrize("fault", ["http_504", "reset_after"])
async def test_while_no_submission_is_answered_each_look_up_costs_one_and_not_many(
    database_url: str, tmp_path: Path, fault: str
) -> None:
    async with gateway(database_url, tmp_path, worker=False, breaker_failures=FEW) as gate:
        ada = await gate.member()
        uuids = [await created(gate, ada, f"wave {number}") for number in range(9)]
        await gate.simulator.fault(fault, match={"path": "features"}, times=FEW + 2)
        await submit_all(gate, uuids[:FEW])
        first = await key_of(gate)
        assert first.breaker is BreakerState.OPEN
        for trial in (1, 2):
            assert (await probe_when_due(gate)).breaker is BreakerState.HALF_OPEN
            states = await submit_all(gate, uuids)
            assert states == {State.UNKNOWN: FEW + trial, State.QUEUED: 9 - FEW - trial}
            assert (await key_of(gate)).breaker is BreakerState.OPEN
        await probe_when_due(gate)
        states = await submit_all(gate, uuids)
        assert states == {State.UNKNOWN: FEW + 2, State.RUNNING: 1, State.QUEUED: 9 - FEW - 3}
        closed = await key_of(gate)
        assert (closed.breaker, closed.breaker_failures) == (BreakerState.CLOSED, 0)
        states = await submit_all(gate, uuids)
        assert states == {State.UNKNOWN: FEW + 2, State.RUNNING: 9 - FEW - 2}


async def test_an_open_breaker_waits_longer_after_each_trial_that_failed(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, worker=False, breaker_failures=1) as gate:
        ada = await gate.member()
        await gate.simulator.fault("http_504", match={"path": "features"}, times=3)
        waits = []
        for number in range(3):
            await submit_all(gate, [await created(gate, ada, f"wave {number}")])
            async with gate.rt.db.single() as tx:
                seconds = "SELECT extract(epoch FROM breaker_until - now()) FROM upstream_keys"
                waits.append(float(await tx.scalar(text(seconds)) or 0))
            await probe_when_due(gate)
        first = keys.BREAKER_SECONDS
        assert waits == pytest.approx([first, 2 * first, 4 * first], abs=first * 0.9)


async def test_what_a_stop_ended_says_nothing_of_the_upstream(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, worker=False, breaker_failures=FEW) as gate:
        ada = await gate.member()
        await lose_one(gate, ada)
        await gate.simulator.fault("hang", match={"path": "features"}, times=1)
        uuid = await created(gate, ada, "cut short")
        trying = asyncio.create_task(submit(gate.worker, UUID(uuid)))

        async def has_arrived() -> bool:
            """Its state says so before it is sent, and perhaps before it is known to be written."""
            return bool(await submissions_of(gate, "cut short"))

        await until(has_arrived)
        trying.cancel()
        await asyncio.gather(trying, return_exceptions=True)
        assert (await work_of(gate, uuid)).state is State.UNKNOWN
        assert (await key_of(gate)).breaker_failures == 1


async def test_a_trial_whose_worker_died_ends_with_its_time_and_another_probe(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, worker=False, breaker_failures=1) as gate:
        await lose_one(gate, await gate.member())
        probed = await probe_when_due(gate)
        async with gate.rt.db.begin() as tx:
            for expected in (probed.id, None):
                slot = await upstream_keys.take_slot(
                    tx, [probed.id], per_minute=60_000, ahead=20, trial_seconds=60
                )
                assert slot.key_id == expected
        assert (await key_of(gate)).breaker is BreakerState.HALF_OPEN
        again = await probe_when_due(gate)
        assert (again.breaker, again.breaker_until) == (BreakerState.HALF_OPEN, None)
        uuid = await created(gate, await gate.member("bob"), "trial")
        assert await submit_all(gate, [uuid]) == {State.RUNNING: 1}
        assert (await key_of(gate)).breaker is BreakerState.CLOSED


async def test_a_key_returned_by_hand_has_its_breaker_closed(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, worker=False, breaker_failures=1) as gate:
        await lose_one(gate, await gate.member())
        await probe_when_due(gate)
        await return_to_use(gate.rt, "main", reason="odd", actor="op")
        key = await key_of(gate)
        assert (key.breaker, key.breaker_failures) == (BreakerState.CLOSED, 0)
        assert key.breaker_until is None
