"""An upstream that takes connections and answers nothing: each submission to it may be lost."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from app.domain.generation import State
from app.domain.upstream_keys import BreakerState, KeyCheck
from app.upstream import client
from app.upstream.inflight import LEAST_OVERDUE_SECONDS, SILENCE_SECONDS
from app.worker import submissions, upstream_keys
from tests.harness.gateway import Gateway, gateway
from tests.simulator.conftest import until
from tests.upstream.test_inflight import Clock
from tests.worker.test_breaker import key_of, probe_when_due
from tests.worker.test_submissions import created, submissions_of, work_of

FEW = 2
FEATURES, RESULTS = {"path": "features"}, {"path": "results"}


@contextlib.asynccontextmanager
async def sending(
    database_url: str, folder: Path, *, upstream_async: bool = True
) -> AsyncIterator[tuple[Gateway, Clock]]:
    """Without a worker: the test itself submits. The clock is that of `InFlight` alone."""
    clock = Clock()
    async with gateway(
        database_url, folder, worker=False, breaker_failures=FEW, upstream_async=upstream_async
    ) as gate:
        gate.worker.upstream.in_flight("main")._clock = clock
        yield gate, clock


@contextlib.asynccontextmanager
async def unanswered(gate: Gateway, key: str) -> AsyncIterator[None]:
    """A few submissions that the upstream has taken and says nothing to."""
    await gate.simulator.fault("hang", match=FEATURES, times=FEW, seconds=60)
    asked = [await created(gate, key, f"swallowed {number}") for number in range(FEW)]
    waiting = [asyncio.create_task(submissions.submit(gate.worker, UUID(one))) for one in asked]

    async def taken() -> bool:
        """All have arrived: none that comes later meets what these were to meet."""
        swallowed = [s for s in (await gate.simulator.summary())["submissions"] if s["uuid"]]
        return len([s for s in swallowed if s["prompt"].startswith("swallowed")]) == FEW

    try:
        await until(taken)
        yield
    finally:
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    for uuid in asked:
        assert (await work_of(gate, uuid)).state is State.UNKNOWN


async def test_where_nothing_is_heard_no_further_submission_is_risked(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sending(database_url, tmp_path) as (gate, clock):
        key = await gate.member()
        async with unanswered(gate, key):
            await gate.simulator.fault("hang", match=RESULTS, times=1, seconds=60)
            clock.now += SILENCE_SECONDS + 1
            looks, check = [], gate.worker.upstream.check_key

            async def counted(label: str) -> KeyCheck:
                looks.append(label)
                return await check(label)

            monkeypatch.setattr(gate.worker.upstream, "check_key", counted)
            monkeypatch.setattr(client, "RESULT_SECONDS", 0.3)
            asked = [await created(gate, key, f"kept {number}") for number in range(3)]
            await asyncio.gather(*(submissions.submit(gate.worker, UUID(one)) for one in asked))
            assert (await key_of(gate)).breaker is BreakerState.OPEN
            for number, uuid in enumerate(asked):
                assert (await work_of(gate, uuid)).state is State.QUEUED
                assert await submissions_of(gate, f"kept {number}") == []
            # They shared one look-up.
            assert looks == ["main"]
            monkeypatch.undo()
            # Where the look-up had no time to be made, the rule for it is still there.
            await gate.simulator.http.delete("/_simulator/rules")
            await probe_when_due(gate)
            assert (await key_of(gate)).breaker is BreakerState.HALF_OPEN
            await submissions.submit(gate.worker, UUID(asked[0]))
            assert (await work_of(gate, asked[0])).state is State.RUNNING


async def test_an_upstream_that_holds_connections_and_answers_look_ups_is_sent_more_at_once(
    database_url: str, tmp_path: Path
) -> None:
    async with sending(database_url, tmp_path, upstream_async=False) as (gate, clock):
        key = await gate.member()
        async with unanswered(gate, key):
            clock.now += SILENCE_SECONDS + 1
            uuid = await created(gate, key, "one more")
            await submissions.submit(gate.worker, UUID(uuid))
            assert (await work_of(gate, uuid)).state is State.SUCCEEDED
            assert (await key_of(gate)).breaker is BreakerState.CLOSED


async def test_what_was_sent_just_now_counts_against_the_next_until_it_is_answered(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream_keys, "UNPROVEN_SECONDS", 60.0)
    monkeypatch.setattr(submissions, "UNPROVEN_SECONDS", 0.01)
    async with sending(database_url, tmp_path) as (gate, _):
        key = await gate.member()
        held, sent = await created(gate, key, "held back"), await created(gate, key, "sent")
        async with unanswered(gate, key):
            async with gate.rt.db.begin() as tx:
                # As a worker fetches them.
                await tx.execute(text("DELETE FROM procrastinate_jobs"))
            await submissions.submit(gate.worker, UUID(held))
            assert (await work_of(gate, held)).state is State.QUEUED
            assert await submissions_of(gate, "held back") == []
            # It comes back by itself.
            async with gate.rt.db.single() as tx:
                at = await tx.scalar(
                    text("SELECT scheduled_at FROM procrastinate_jobs"
                         " WHERE args->>'subject_id' = :id"), {"id": held},
                )  # fmt: skip
            assert at is not None
            # An upstream that has just answered others is no risk.
            with gate.worker.upstream.in_flight("main").submission():
                pass
            await submissions.submit(gate.worker, UUID(sent))
            assert (await work_of(gate, sent)).state is State.RUNNING


async def test_while_a_few_wait_much_longer_than_usual_the_others_stay_queued(
    database_url: str, tmp_path: Path
) -> None:
    async with sending(database_url, tmp_path) as (gate, clock):
        key = await gate.member()
        await submissions.submit(gate.worker, UUID(await created(gate, key, "quick")))
        uuid = await created(gate, key, "held back")
        async with unanswered(gate, key):
            clock.now += LEAST_OVERDUE_SECONDS + 1
            await submissions.submit(gate.worker, UUID(uuid))
            assert (await work_of(gate, uuid)).state is State.QUEUED
            assert await submissions_of(gate, "held back") == []
            assert (await key_of(gate)).breaker is BreakerState.CLOSED
        await submissions.submit(gate.worker, UUID(uuid))
        assert (await work_of(gate, uuid)).state is State.RUNNING


async def test_a_refusal_that_comes_at_once_holds_back_nobody_behind_held_connections(
    database_url: str, tmp_path: Path
) -> None:
    async with sending(database_url, tmp_path, upstream_async=False) as (gate, clock):
        key = await gate.member()
        await gate.simulator.fault("rate_limited", match=FEATURES, times=1)
        refused = await created(gate, key, "refused")
        await submissions.submit(gate.worker, UUID(refused))
        assert (await work_of(gate, refused)).state is State.QUEUED
        async with unanswered(gate, key):
            clock.now += 420
            uuid = await created(gate, key, "one more")
            await submissions.submit(gate.worker, UUID(uuid))
            assert (await work_of(gate, uuid)).state is State.SUCCEEDED


async def test_a_connection_that_waits_for_minutes_is_kept_open_on_its_way(
    still_gate: Gateway,
) -> None:
    gate = still_gate.worker
    async with gate.upstream._http.stream(
        "GET", str(gate.settings.upstream_url), headers={}
    ) as answer:
        taken = answer.extensions["network_stream"].get_extra_info("socket")
        assert taken.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        # Address translators forget a silent connection after a minute at the earliest.
        assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) < 60
