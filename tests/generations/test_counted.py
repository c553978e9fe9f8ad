"""Each transition is counted once, after its commit; tests/generations/test_arrows.py counts each
arrow. Here are the use cases, and what is counted beside transitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from app.db import transitions
from app.db.session import Tx
from app.domain.generation import State
from app.domain.operators import Outcome
from app.errors import Unavailable
from app.generations import cancel, lifecycle, unknown
from app.operators import restore
from app.upstream.answers import Lost, Running
from app.worker import submissions
from tests.generations.counting import counted
from tests.harness.gateway import TEAM, Gateway, gateway
from tests.worker.test_submissions import created


def sample(gate: Gateway, name: str, **labels: str) -> float:
    return gate.rt.metrics.registry.get_sample_value(name, labels) or 0.0


async def make_unknown(gate: Gateway, uuid: str) -> None:
    claim = await submissions._claim(gate.worker, UUID(uuid), uuid4())
    assert claim is not None
    await submissions.record(gate.worker, claim, Lost(reason="reset"))


@asynccontextmanager
async def failing_commits(gate: Gateway) -> AsyncIterator[None]:
    """While the block lasts, the database is lost before any transaction commits."""
    begin = gate.rt.db.begin

    @asynccontextmanager
    async def broken() -> AsyncIterator[Tx]:
        async with begin() as tx:
            yield tx
            raise Unavailable("The gateway cannot reach its database right now.")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gate.rt.db, "begin", broken)
        yield


async def test_an_admission_enters_queued_and_a_replay_does_not(still_gate: Gateway) -> None:
    key = await still_gate.member(max_open=1)
    for _ in range(2):
        answer = await still_gate.create(key, Idempotency_Key="one")
        assert answer.status_code == 202
    assert (await still_gate.create(key)).status_code == 429
    assert counted(still_gate) == Counter({State.QUEUED: 1})


async def test_an_admission_whose_commit_was_not_heard_of_is_counted(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    direct = still_gate.rt.db.direct
    one = direct.one

    async def lost_after(*asked: Any) -> NoReturn:
        await one(*asked)
        raise Unavailable("The gateway cannot reach its database right now.")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(direct, "one", lost_after)
        assert (await still_gate.create(key)).status_code == 202
    recovered = {"team": TEAM, "dialect": "onemin", "outcome": "recovered"}
    assert sample(still_gate, "reelgate_admissions_total", **recovered) == 1
    assert counted(still_gate) == Counter({State.QUEUED: 1})


async def test_a_cancellation_is_counted_once_however_often_it_is_asked_for(
    still_gate: Gateway,
) -> None:
    uuid = UUID(await created(still_gate, await still_gate.member()))
    for _ in range(2):
        assert (await cancel.cancel(still_gate.rt, uuid, actor="test")).state is State.CANCELED
    assert counted(still_gate) == Counter({State.QUEUED: 1, State.CANCELED: 1})


@pytest.mark.parametrize(
    ("outcome", "entered"),
    [(Outcome.NOT_MADE, State.FAILED), (Outcome.LOST, State.FAILED), (Outcome.FOUND, None)],
)
async def test_a_resolution_is_counted(
    still_gate: Gateway, outcome: Outcome, entered: State | None
) -> None:
    uuid = await created(still_gate, await still_gate.member())
    await make_unknown(still_gate, uuid)
    before = counted(still_gate)
    await unknown.resolve(
        still_gate.rt, UUID(uuid), outcome, reason="seen", actor="op",
        upstream_id="u-1" if outcome is Outcome.FOUND else None,
    )  # fmt: skip
    assert counted(still_gate) - before == Counter([entered] if entered else [])


async def test_a_restore_is_counted(still_gate: Gateway) -> None:
    key = await still_gate.member()
    queued, submitting = await created(still_gate, key), await created(still_gate, key)
    assert await submissions._claim(still_gate.worker, UUID(submitting), uuid4()) is not None
    before = counted(still_gate)
    assert await restore.mark_unsent_unknown(still_gate.rt, actor="op") == 2
    # What is queued goes through `submitting`.
    assert counted(still_gate) - before == Counter({State.SUBMITTING: 1, State.UNKNOWN: 2})
    assert (await still_gate.generation(UUID(queued))).state is State.UNKNOWN


async def test_an_id_that_comes_late_moves_nothing_and_counts_nothing(
    still_gate: Gateway,
) -> None:
    uuid = await created(still_gate, await still_gate.member())
    claim = await submissions._claim(still_gate.worker, UUID(uuid), uuid4())
    assert claim is not None
    await submissions.record(still_gate.worker, claim, Lost(reason="reset"))
    before = counted(still_gate)
    with capture_logs() as logs:
        await submissions.record(still_gate.worker, claim, Running(upstream_id="u-2"))
    assert counted(still_gate) == before
    assert [(line["event"], line["state"]) for line in logs] == [("submitted", "unknown")]


async def test_a_transaction_that_fails_counts_and_says_nothing(still_gate: Gateway) -> None:
    uuid = UUID(await created(still_gate, await still_gate.member()))
    before = counted(still_gate)
    async with failing_commits(still_gate):
        with pytest.raises(Unavailable):
            await cancel.cancel(still_gate.rt, uuid, actor="test")
    assert counted(still_gate) == before
    assert (await still_gate.generation(uuid)).state is State.QUEUED


async def test_a_breaker_that_could_not_be_opened_was_not_opened(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, worker=False, breaker_failures=1) as gate:
        uuid = await created(gate, await gate.member())
        claim = await submissions._claim(gate.worker, UUID(uuid), uuid4())
        assert claim is not None
        openings: dict[str, Any] = {"name": "reelgate_breaker_openings_total", "label": "main"}
        async with failing_commits(gate):
            with capture_logs() as logs, pytest.raises(Unavailable):
                await submissions.record(gate.worker, claim, Lost(reason="reset"))
        assert (logs, sample(gate, **openings)) == ([], 0)
        with capture_logs() as logs:
            await submissions.record(gate.worker, claim, Lost(reason="reset"))
        assert [line["event"] for line in logs] == ["breaker_opened", "submitted"]
        assert sample(gate, **openings) == 1


async def test_a_submission_lost_with_its_worker_is_counted_once_it_is_written_down(
    still_gate: Gateway,
) -> None:
    uuid = UUID(await created(still_gate, await still_gate.member()))
    assert await submissions._claim(still_gate.worker, uuid, uuid4()) is not None
    async with failing_commits(still_gate):
        with pytest.raises(Unavailable):
            await submissions._claim(still_gate.worker, uuid, uuid4())
    rescued: dict[str, Any] = {"name": "reelgate_rescued_total", "kind": "submitting"}
    assert sample(still_gate, **rescued) == 0
    assert await submissions._claim(still_gate.worker, uuid, uuid4()) is None
    assert sample(still_gate, **rescued) == 1
    async with still_gate.rt.db.single() as tx:
        work = await transitions.find_work(tx, uuid)
    assert work is not None
    assert work.state is State.UNKNOWN


async def test_what_a_report_needs_runs_in_the_order_it_was_given(still_gate: Gateway) -> None:
    said: list[int] = []
    async with lifecycle.begin(still_gate.rt) as transaction:
        for number in range(3):
            transaction.on_commit(partial(said.append, number))
        assert said == []
    assert said == [0, 1, 2]
