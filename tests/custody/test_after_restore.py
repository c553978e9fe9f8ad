"""After a restore nothing that may have been sent is sent by itself."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app import lifecycle, recovery
from app.db import upstream_keys
from app.domain.generation import State
from app.errors import InvalidRequest
from tests.custody.videos import archived
from tests.harness.gateway import Gateway
from tests.worker.test_submissions import PRICE, created, used


async def events_of(gate: Gateway, generation_id: UUID) -> list[tuple[str, str | None]]:
    async with gate.rt.db.single() as tx:
        rows = await tx.execute(
            text("SELECT type, data->>'reason' AS reason FROM events"
                 " WHERE generation_id = :id ORDER BY id"),
            {"id": generation_id},
        )  # fmt: skip
        return [(row.type, row.reason) for row in rows]


async def test_what_is_queued_or_submitting_becomes_unknown_and_keeps_its_hold(
    still_gate: Gateway,
) -> None:
    gate, key = still_gate, await still_gate.member()
    queued, submitting = UUID(await created(gate, key)), UUID(await created(gate, key))
    async with gate.rt.db.begin() as tx:
        ids = await upstream_keys.register(tx, {"main": "0123456789abcdef"})
        assert await lifecycle.begin_attempt(
            tx, submitting, attempt=uuid4(), upstream_key_id=ids["main"], now=gate.rt.clock.now()
        )
    assert await recovery.hold_back(gate.rt, actor="op") == 2
    for generation_id in (queued, submitting):
        generation = await gate.generation(generation_id)
        assert (generation.state, generation.error_code) == (State.UNKNOWN, "outcome_unknown")
    assert (await events_of(gate, queued))[-2:] == [
        ("generation.submitting", "restored"),
        ("generation.unknown", "restored"),
    ]
    assert (await events_of(gate, submitting))[-1] == ("generation.unknown", "restored")
    assert await used(gate, key) == 2 * PRICE

    assert await recovery.hold_back(gate.rt, actor="op") == 0
    async with gate.rt.db.single() as tx:
        said = (
            await tx.scalars(
                text("SELECT detail FROM audit_log WHERE action = 'generations.hold_back'")
            )
        ).all()
    assert [set(detail["generations"]) for detail in said] == [{str(queued), str(submitting)}]


async def test_what_has_an_end_or_an_upstream_id_is_left_alone(gate: Gateway) -> None:
    key = await gate.member()
    succeeded = await archived(gate, key)
    await gate.simulator.fault("never_finish")
    running = UUID(await created(gate, key))
    while (await gate.generation(running)).state is not State.RUNNING:
        await gate.rt.watch.until_resting(running, seconds=0.05)
    await gate.stop_workers()
    assert await recovery.hold_back(gate.rt, actor="op") == 0
    assert (await gate.generation(running)).state is State.RUNNING
    assert (await gate.generation(succeeded.id)).state is State.SUCCEEDED


async def test_it_is_refused_beside_a_worker(gate: Gateway) -> None:
    key = await gate.member()
    await archived(gate, key)
    with pytest.raises(InvalidRequest, match="sign of life"):
        await recovery.hold_back(gate.rt, actor="op")
