"""Upkeep: nothing that should move stays without a job."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from app.db import events, upstream_keys
from app.domain.generation import State
from app.worker import upkeep
from tests.harness.gateway import Gateway, gateway
from tests.worker.test_submissions import created


async def jobs(gate: Gateway) -> list[tuple[str, str]]:
    async with gate.rt.db.single() as tx:
        rows = await tx.execute(
            text("SELECT queue_name, status::text FROM procrastinate_jobs ORDER BY id")
        )
        return [(row.queue_name, row.status) for row in rows]


async def run(gate: Gateway, statement: str) -> None:
    async with gate.rt.db.begin() as tx:
        await tx.execute(text(statement))


async def test_a_generation_whose_job_vanished_gets_another(still_gate: Gateway) -> None:
    key = await still_gate.member()
    await created(still_gate, key)
    await run(still_gate, "DELETE FROM procrastinate_jobs")
    await upkeep.one_round(still_gate.worker)
    assert await jobs(still_gate) == [("submit", "todo")]
    await upkeep.one_round(still_gate.worker)
    assert await jobs(still_gate) == [("submit", "todo")]


async def test_the_jobs_of_a_silent_worker_go_back_to_the_queue(
    database_url: str, tmp_path: Path
) -> None:
    # Shorter than this Postgres has been up: while it was away nobody could give a sign of life.
    async with gateway(database_url, tmp_path, worker=False, worker_stalled_seconds=0.4) as gate:
        await created(gate, await gate.member())
        await run(
            gate,
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')",
        )
        await run(
            gate,
            "UPDATE procrastinate_jobs SET status = 'doing',"
            " worker_id = (SELECT max(id) FROM procrastinate_workers)",
        )
        await upkeep.one_round(gate.worker)
        assert await jobs(gate) == [("submit", "todo")]


async def test_the_jobs_of_a_living_worker_are_left_alone(still_gate: Gateway) -> None:
    key = await still_gate.member()
    await created(still_gate, key)
    await run(still_gate, "INSERT INTO procrastinate_workers DEFAULT VALUES")
    await run(
        still_gate,
        "UPDATE procrastinate_jobs SET status = 'doing',"
        " worker_id = (SELECT max(id) FROM procrastinate_workers)",
    )
    await upkeep.one_round(still_gate.worker)
    assert await jobs(still_gate) == [("submit", "doing")]


async def test_a_job_that_was_given_up_is_given_back(still_gate: Gateway) -> None:
    key = await still_gate.member()
    await created(still_gate, key)
    await run(still_gate, "UPDATE procrastinate_jobs SET status = 'failed'")
    await upkeep.one_round(still_gate.worker)
    assert await jobs(still_gate) == [("submit", "todo")]


async def test_a_dead_job_with_a_waiting_twin_is_only_removed(still_gate: Gateway) -> None:
    key = await still_gate.member()
    uuid = await created(still_gate, key)
    await run(still_gate, "UPDATE procrastinate_jobs SET status = 'failed'")
    async with still_gate.rt.db.begin() as tx:
        await tx.execute(
            text("SELECT reelgate_enqueue('submit', :id, 0, NULL)"), {"id": UUID(uuid)}
        )
    await upkeep.one_round(still_gate.worker)
    assert await jobs(still_gate) == [("submit", "todo")]


async def test_work_whose_job_was_missing_is_done(gate: Gateway) -> None:
    key = await gate.member()
    await gate.stop_workers()
    uuid = await created(gate, key)
    await run(gate, "DELETE FROM procrastinate_jobs")
    gate.start_worker()
    assert (await gate.closed(uuid)).state is State.SUCCEEDED


async def test_expired_idempotency_keys_are_forgotten(still_gate: Gateway) -> None:
    key = await still_gate.member()
    await still_gate.create(key, Idempotency_Key="k")
    await run(still_gate, "UPDATE idempotency_keys SET expires_at = now() - interval '1 second'")
    await upkeep.one_round(still_gate.worker)
    async with still_gate.rt.db.single() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM idempotency_keys")) == 0


async def test_a_twin_that_comes_while_a_dead_job_is_rescued_does_not_end_the_upkeep(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    uuid = await created(still_gate, key)
    await run(still_gate, "UPDATE procrastinate_jobs SET status = 'failed'")
    stopping = asyncio.Event()
    async with still_gate.rt.db.begin() as tx:
        await tx.execute(
            text("SELECT reelgate_enqueue('submit', :id, 0, NULL)"), {"id": UUID(uuid)}
        )
        keeping = asyncio.create_task(upkeep.keep(still_gate.worker, stopping))
        # The rescue does not see the twin and waits for it, at the index that allows one of them.
        await until(still_gate, "SELECT count(*) FROM pg_locks WHERE NOT granted")
    await until(still_gate, "SELECT 1 - count(*) FROM pg_locks WHERE NOT granted")
    done, _ = await asyncio.wait({keeping}, timeout=0.2)
    assert not done
    stopping.set()
    await keeping
    await upkeep.one_round(still_gate.worker)
    assert await jobs(still_gate) == [("submit", "todo")]


async def until(gate: Gateway, count: str) -> None:
    """Looks until the database counts something."""
    async with asyncio.timeout(60):
        while True:
            async with gate.rt.db.single() as tx:
                if (await tx.scalar(text(count)) or 0) > 0:
                    return
            await asyncio.sleep(0.01)


async def test_a_clean_up_that_fails_each_time_keeps_no_key_aside(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    (key_id,) = (await still_gate.worker.upstream_key_ids_now()).values()
    async with still_gate.rt.db.begin() as tx:
        assert await upstream_keys.set_aside(tx, key_id, reason="rejected", return_seconds=0)

    async def failing(*_: object, **__: object) -> None:
        raise RuntimeError("a clean-up of the wrong kind")

    monkeypatch.setattr(events, "prune", failing)
    with pytest.raises(RuntimeError, match="of the wrong kind"):
        await upkeep.one_round(still_gate.worker)
    async with still_gate.rt.db.single() as tx:
        (key,) = await upstream_keys.list_keys(tx)
    assert key.state == "active"
