"""Looking for results: what ends a generation, what is only asked again, what is given up."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.db import jobs, upstream_keys
from app.db.jobs import Job
from app.domain.generation import State
from app.generations import lifecycle
from app.worker import polls
from tests.harness.gateway import Gateway, gateway
from tests.harness.traces import execute
from tests.simulator.conftest import until
from tests.worker.test_submissions import PRICE, created, submissions_of, used, work_of


@pytest.mark.parametrize("status", ["FAILED", "FAILURE", "ERROR"])
async def test_a_render_that_fails_later_fails_and_releases(gate: Gateway, status: str) -> None:
    key = await gate.member()
    await gate.simulator.fault("fail_later", status=status)
    generation = await gate.closed(await created(gate, key))
    assert (generation.state, generation.error_code) == (State.FAILED, "upstream_failed")
    assert await used(gate, key) == 0


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("http_500", {}),
        ("http_502", {}),
        ("html_200", {}),
        ("rate_limited", {"retry_after": 1}),
        ("reset_before", {}),
        ("half_body", {}),
        ("key_deleted", {}),
        ("turn_null", {}),
    ],
)
async def test_a_look_that_fails_is_only_taken_again(
    gate: Gateway, fault: str, options: dict[str, Any]
) -> None:
    key = await gate.member()
    await gate.simulator.fault(fault, match={"path": "results"}, times=2, **options)
    generation = await gate.closed(await created(gate, key))
    assert generation.state is State.SUCCEEDED
    assert await used(gate, key) == PRICE
    assert len(await submissions_of(gate, "a wave")) == 1


async def test_a_status_nobody_knows_is_still_running(gate: Gateway) -> None:
    key = await gate.member()
    await gate.simulator.fault("unknown_status", word="DREAMING")
    assert (await gate.closed(await created(gate, key))).state is State.SUCCEEDED


async def test_past_its_deadline_it_is_unknown_and_a_late_success_still_counts(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, running_seconds=0.5) as gate:
        key = await gate.member()
        await gate.simulator.fault(
            "unknown_status", match={"path": "results"}, times=None, word="PROCESSING"
        )
        uuid = await created(gate, key)
        assert (await gate.closed(uuid)).state is State.UNKNOWN
        assert await used(gate, key) == PRICE
        await gate.simulator.http.delete("/_simulator/rules")

        async def succeeded() -> bool:
            # The next look at an unknown is a minute away; this is that look.
            await polls.poll(gate.worker, UUID(uuid))
            return (await work_of(gate, uuid)).state is State.SUCCEEDED

        await until(succeeded)
        assert await used(gate, key) == PRICE
        await gate.archived(uuid)


async def test_a_key_that_is_set_aside_still_fetches_what_it_made(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, poll_first_seconds=3600) as gate:
        key = await gate.member()
        uuid = await created(gate, key)
        await until(lambda: is_running(gate, uuid))
        async with gate.rt.db.begin() as tx:
            key_id = gate.worker.upstream_key_ids["main"]
            await upstream_keys.set_aside(tx, key_id, reason="rejected", return_seconds=None)
            # The first look is an hour away, and is taken now.
            await jobs.run_all_now(tx, Job.POLL)
        assert (await gate.closed(uuid)).state is State.SUCCEEDED


async def test_without_the_key_that_made_it_a_generation_becomes_unknown_at_its_deadline(
    database_url: str, tmp_path: Path
) -> None:
    """It would else count as open for ever, and nobody would be told."""
    async with gateway(database_url, tmp_path, running_seconds=60) as gate:
        key = await gate.member(max_open=1)
        await gate.simulator.fault("never_finish")
        uuid = await created(gate, key)
        await until(lambda: is_running(gate, uuid))
        await gate.stop_workers()
        gate.worker.upstream_key_ids = {"another": -1}
        await polls.poll(gate.worker, UUID(uuid))
        assert (await work_of(gate, uuid)).state is State.RUNNING
        async with gate.rt.db.begin() as tx:
            await tx.execute(text("UPDATE generations SET running_at = now() - interval '1 hour'"))
        await polls.poll(gate.worker, UUID(uuid))
        assert (await work_of(gate, uuid)).state is State.UNKNOWN
        assert await used(gate, key) == PRICE
        assert (await gate.create(key)).status_code == 202

        async def polls_waiting() -> int:
            async with gate.rt.db.single() as tx:
                counted = await tx.scalar(
                    text("SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'poll'")
                )
            return int(counted or 0)

        # The key may come back within the time for which an unknown one is asked for.
        assert await polls_waiting() == 1
        async with gate.rt.db.begin() as tx:
            await tx.execute(text("DELETE FROM procrastinate_jobs WHERE queue_name = 'poll'"))
            await tx.execute(text("UPDATE generations SET running_at = now() - interval '8 days'"))
        await polls.poll(gate.worker, UUID(uuid))
        assert await polls_waiting() == 0


async def is_running(gate: Gateway, uuid: str) -> bool:
    return (await work_of(gate, uuid)).state is State.RUNNING


async def test_those_that_find_no_slot_come_back_over_a_round_of_all(
    database_url: str, tmp_path: Path
) -> None:
    """All at the next slot, they would keep a worker busy for one look a second. The first of them
    decides for all."""
    many, per_minute = 40, 100
    async with gateway(
        database_url, tmp_path, worker=False, upstream_rate_per_minute=per_minute
    ) as gate:
        key = await gate.member(max_open=50, rate_burst=50, credit_limit=50 * PRICE)
        (key_id,) = (await gate.worker.upstream_key_ids_now()).values()
        ids = []
        for number in range(many + 2):
            work = await work_of(gate, await created(gate, key))
            async with lifecycle.begin(gate.rt) as transaction:
                now, attempt = gate.rt.clock.now(), uuid4()
                await lifecycle.begin_attempt(
                    transaction, work.id, attempt=attempt, upstream_key_id=key_id, now=now
                )
                await lifecycle.run(
                    transaction, work, attempt=attempt, upstream_id=f"u-{number}", now=now,
                    poll_at=now,
                )  # fmt: skip
            ids.append(work.id)
        first, *_, others, later = ids
        await execute(gate, "UPDATE upstream_keys SET arrival_at = now() + interval '30 seconds'")
        # One is made with a key that is asked for elsewhere, and one is not due.
        await execute(
            gate, "INSERT INTO upstream_keys (label, fingerprint) VALUES ('other', 'other')"
        )
        await execute(
            gate,
            "UPDATE generations SET upstream_key_id = (SELECT id FROM upstream_keys"
            f" WHERE label = 'other') WHERE id = '{others}'",
        )
        await execute(
            gate,
            "UPDATE procrastinate_jobs SET scheduled_at = now() + interval '2 hours'"
            f" WHERE queueing_lock = 'poll:{later}'",
        )
        await execute(gate, f"DELETE FROM procrastinate_jobs WHERE queueing_lock = 'poll:{first}'")
        await polls.poll(gate.worker, first)
        async with gate.rt.db.single() as tx:
            waits = await tx.scalars(
                text(
                    "SELECT extract(epoch FROM scheduled_at - now())::float"
                    " FROM procrastinate_jobs WHERE queue_name = 'poll' ORDER BY 1"
                )
            )
            due, *found, last = waits
    assert due <= 0
    assert last > 7000
    # Polls have 60 % of the budget: one a second.
    assert len(found) == many
    quarters = Counter(int((wait - found[0]) // (many / 4)) for wait in found)
    assert max(quarters.values()) <= many * 3 / 4
    assert found[-1] - found[0] > many / 2
