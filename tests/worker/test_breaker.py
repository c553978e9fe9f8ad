"""The circuit breaker and pauses: what is not sent stays queued, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.db import upstream_answers, upstream_keys
from app.domain.generation import State
from app.domain.operators import Pause
from app.domain.upstream_keys import BreakerState
from app.generations import lifecycle
from app.operators import pauses
from app.worker import upkeep
from app.worker import upstream_keys as keys
from app.worker.run import run as run_worker
from tests.harness.gateway import Gateway, gateway, opened
from tests.simulator.conftest import until
from tests.worker.test_submissions import created, submissions_of, used, work_of


async def key_of(gate: Gateway) -> upstream_keys.UpstreamKey:
    async with gate.rt.db.single() as tx:
        (key,) = await upstream_keys.list_keys(tx)
    return key


async def probe_when_due(gate: Gateway) -> upstream_keys.UpstreamKey:
    """What upkeep does once the breaker was open for its time."""
    async with gate.rt.db.begin() as tx:
        await tx.execute(text("UPDATE upstream_keys SET breaker_until = now()"))
    await upkeep.one_round(gate.worker)
    return await key_of(gate)


async def tried(gate: Gateway, uuid: str) -> bool:
    return (await work_of(gate, uuid)).attempts > 0


async def test_after_failures_in_a_row_nothing_more_is_sent_until_a_look_up_is_answered(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "BREAKER_SECONDS", 0.001)
    # The worker's own upkeep looks once, before anything is sent: all further looks are the test's.
    async with gateway(
        database_url, tmp_path, breaker_failures=2, worker_stalled_seconds=3600
    ) as gate:
        key = await gate.member()
        await gate.simulator.fault("http_502", match={"path": "features"}, times=2)
        await gate.simulator.fault("http_503", match={"path": "results"}, times=1)
        for number in range(2):
            uuid = await created(gate, key, f"lost {number}")
            assert (await gate.closed(uuid)).state is State.UNKNOWN
        assert (await key_of(gate)).breaker is BreakerState.OPEN
        held = await created(gate, key, "held back")
        metrics = (await gate.http.get("/metrics")).text
        assert 'reelgate_breaker_openings_total{label="main"} 1.0' in metrics
        assert 'reelgate_upstream_keys{label="main"} 0.0' in metrics

        async def closed() -> bool:
            await upkeep.one_round(gate.worker)
            return (await key_of(gate)).breaker is not BreakerState.OPEN

        await until(closed)
        assert (await key_of(gate)).breaker_failures == 0
        assert (await gate.closed(held)).state is State.SUCCEEDED
        assert len(await submissions_of(gate, "held back")) == 1


async def test_answers_that_are_recorded_at_once_do_not_wait_for_each_other(
    still_gate: Gateway,
) -> None:
    """A second change of a generation within a transaction refers to its key anew, which shares a
    lock on it: two workers that then want the key for themselves would wait for each other."""
    rt, key = still_gate.rt, await still_gate.member()
    one, another = [await created(still_gate, key, f"number {number}") for number in range(2)]
    async with rt.db.begin() as tx:
        (key_id,) = (await upstream_keys.register(tx, {"one": "fingerprint"})).values()
    async with lifecycle.begin(rt) as transaction:
        for uuid in (one, another):
            await lifecycle.begin_attempt(
                transaction, UUID(uuid), attempt=uuid4(), upstream_key_id=key_id,
                now=rt.clock.now(),
            )  # fmt: skip
        await upstream_keys.record_failure(transaction.tx, key_id, threshold=9, open_seconds=60)
    async with rt.db.begin() as tx, rt.db.begin() as meanwhile:
        for words, where, uuid in (("a", tx, one), ("b", meanwhile, another)):
            await upstream_answers.keep(where, UUID(uuid), words)
            await upstream_answers.keep(where, UUID(uuid), words * 2)
        await upstream_keys.record_answer(tx, key_id)
    assert (await key_of(still_gate)).breaker_failures == 0


@pytest.mark.parametrize(("upstream_async", "per_minute"), [(True, 180), (False, 10)])
async def test_of_a_burst_no_more_are_lost_than_open_the_breaker(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, upstream_async: bool,
    per_minute: int,
) -> None:  # fmt: skip
    """Each is billed and its connection reset. A second worker counts with the first."""
    # Longer than any machine stands still.
    monkeypatch.setattr(keys, "UNPROVEN_SECONDS", 60.0)
    monkeypatch.setattr(keys, "BREAKER_SECONDS", 3600.0)
    few = 5
    async with (
        gateway(
            database_url, tmp_path, worker=False, breaker_failures=few,
            upstream_async=upstream_async, upstream_rate_per_minute=per_minute,
        ) as gate,
        opened(gate.rt.settings) as (_, other),
    ):  # fmt: skip
        key = await gate.member(max_open=30, rate_per_minute=6000, rate_burst=100)
        await gate.simulator.fault("reset_after", match={"path": "features"}, times=30)
        uuids = [await created(gate, key, f"wave {number}") for number in range(30)]
        await gate.worker.upstream_key_ids_now()
        stopping = asyncio.Event()
        gate.start_worker()
        second = asyncio.create_task(run_worker(other, stopping))

        async def refused_all() -> bool:
            """The breaker is open, and each of the others has been looked at since."""
            async with gate.rt.db.single() as tx:
                waiting = await tx.scalar(
                    text(
                        "SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'submit'"
                        " AND status = 'todo' AND scheduled_at > now()"
                    )
                )
            return waiting >= 30 - few and (await key_of(gate)).breaker is BreakerState.OPEN

        await until(refused_all)
        stopping.set()
        await asyncio.gather(second, gate.stop_workers())
        states = Counter([(await work_of(gate, uuid)).state for uuid in uuids])
        assert states == {State.UNKNOWN: few, State.QUEUED: 30 - few}
        assert len((await gate.simulator.summary())["submissions"]) == few


async def test_an_answer_between_failures_keeps_the_breaker_closed(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, breaker_failures=2) as gate:
        key = await gate.member()
        for number in range(3):
            await gate.simulator.fault("http_502", match={"path": "features"}, times=1)
            await gate.closed(await created(gate, key, f"lost {number}"))
            await gate.closed(await created(gate, key, f"made {number}"))
        assert (await key_of(gate)).breaker is BreakerState.CLOSED


async def test_paused_admission_takes_nothing_in_and_uses_nothing_up(gate: Gateway) -> None:
    key = await gate.member()
    await pauses.set_paused(gate.rt, Pause.ADMISSION, paused=True, reason="odd", actor="test")
    answer = await gate.create(key)
    assert (answer.status_code, answer.json()["errorCode"]) == (503, "PAUSED")
    assert answer.headers["Retry-After"] == "60"
    assert await used(gate, key) == 0
    await pauses.set_paused(gate.rt, Pause.ADMISSION, paused=False, reason=None, actor="test")
    assert (await gate.create(key)).status_code == 202


async def test_paused_submission_takes_in_and_sends_nothing(gate: Gateway) -> None:
    key = await gate.member()
    await pauses.set_paused(gate.rt, Pause.SUBMISSION, paused=True, reason="odd", actor="test")
    uuid = await created(gate, key)
    metrics = (await gate.http.get("/metrics")).text
    assert 'reelgate_paused{what="submission"} 1.0' in metrics

    async def looked_at() -> bool:
        """The job ran and put itself off."""
        async with gate.rt.db.single() as tx:
            return bool(
                await tx.scalar(text("SELECT scheduled_at > now() FROM procrastinate_jobs"))
            )

    await until(looked_at)
    assert not await tried(gate, uuid)
    assert await submissions_of(gate, "a wave") == []
    await pauses.set_paused(gate.rt, Pause.SUBMISSION, paused=False, reason=None, actor="test")
    assert (await gate.closed(uuid)).state is State.SUCCEEDED
