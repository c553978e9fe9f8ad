"""One member's crowd does not make another wait behind it."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from app.db import jobs
from app.db.queue_position import MOST_COUNTED, queue_position_of
from app.domain.operators import Pause
from app.operators import pauses
from app.worker.submissions import submit
from tests.harness.gateway import Gateway, body, gateway
from tests.harness.traces import execute
from tests.simulator.conftest import until
from tests.worker.test_submissions import created

CROWD = 500

_JOBS_READ = text(
    "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
    " WHERE relname = 'procrastinate_jobs'"
)


async def crowd_of(gate: Gateway, size: int = CROWD) -> str:
    key = await gate.member(
        "crowd", rate_per_minute=60_000, rate_burst=CROWD, max_open=CROWD, credit_limit=10**12
    )
    for number in range(size):
        assert (await gate.create(key, body(f"crowd {number}"))).status_code == 202
    return key


async def order_of(gate: Gateway) -> list[str]:
    submissions = (await gate.simulator.summary())["submissions"]
    return [s["prompt"] for s in submissions]


async def test_behind_five_hundred_of_another_member_the_first_is_sent_second(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(
        database_url, tmp_path, worker=False, worker_concurrency=1, poll_first_seconds=3600
    ) as gate:
        await crowd_of(gate)
        ben = await gate.member("ben")
        uuid = (await gate.create(ben, body("ben's first"))).json()["aiRecord"]["uuid"]
        seen = await gate.http.get(f"/api/v1/generations/{uuid}", headers={"API-KEY": ben})
        assert seen.json()["waiting"]["queue_position"] == 2
        gate.start_worker()

        async def sent() -> bool:
            return "ben's first" in await order_of(gate)

        await until(sent)
        assert (await order_of(gate)).index("ben's first") <= 1


async def test_under_a_tight_budget_the_turn_is_kept_and_the_crowd_waits_apart(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(
        database_url, tmp_path, worker=False, poll_first_seconds=3600,
        upstream_rate_per_minute=20,
    ) as gate:  # fmt: skip
        await crowd_of(gate, 150)
        gate.start_worker()

        async def all_postponed() -> bool:
            async with gate.rt.db.single() as tx:
                due = await tx.scalar(
                    text(
                        "SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'submit'"
                        " AND (scheduled_at IS NULL OR scheduled_at <= now())"
                    )
                )
            return bool(due == 0)

        await until(all_postponed, seconds=240)
        before = await order_of(gate)
        # What may be ahead of the rate is sent; the rest comes back one after the other.
        assert len(before) < 50
        async with gate.rt.db.single() as tx:
            spread = await tx.scalar(
                text(
                    "SELECT extract(epoch FROM max(scheduled_at) - min(scheduled_at))"
                    " FROM procrastinate_jobs WHERE queue_name = 'submit'"
                )
            )
        assert float(spread or 0) > 10
        ben = await gate.member("ben")
        await gate.create(ben, body("ben's first"))

        async def sent() -> bool:
            return "ben's first" in await order_of(gate)

        await until(sent, seconds=120)
        overtaken = len(await order_of(gate)) - len(before)
        assert overtaken <= 10


async def test_the_count_ahead_is_of_those_that_go_before(still_gate: Gateway) -> None:
    ada = await still_gate.member("ada")
    for number in range(3):
        await still_gate.create(ada, body(f"wave {number}"))
    async with still_gate.rt.db.single() as tx:
        assert await jobs.count_ahead(tx, priority=0) == 1
        assert await jobs.count_ahead(tx, priority=-2) == 3
        assert await jobs.count_ahead(tx, priority=-2, most=2) == 2


@pytest.mark.parametrize("known", ["nothing", "an empty table", "two jobs", "all jobs"])
async def test_a_place_in_the_queue_is_counted_up_to_an_end_whatever_waits(
    still_gate: Gateway, known: str
) -> None:
    """No other job is read: neither another queue's, nor one that goes after it, nor more of those
    before it than count. That does not hang on what the planner knows of the table."""
    ada = await still_gate.member("ada")
    analyse = "ANALYZE procrastinate_jobs"
    await execute(still_gate, "ALTER TABLE procrastinate_jobs SET (autovacuum_enabled = false)")
    if known == "an empty table":
        await execute(still_gate, analyse)
    first, second = [UUID(await created(still_gate, ada, f"wave {n}")) for n in range(2)]
    if known == "two jobs":
        await execute(still_gate, analyse)
    await execute(
        still_gate,
        """
        INSERT INTO procrastinate_jobs (queue_name, task_name, priority, queueing_lock)
        SELECT q.name, q.name, q.priority, 'test:' || q.priority || q.name || n
          FROM (VALUES ('poll', 0), ('submit', -5)) q (name, priority)
         CROSS JOIN generate_series(1, 3000) n
        """,
    )
    if known == "all jobs":
        await execute(still_gate, analyse)

    async def seen(generation_id: UUID) -> tuple[int | None, int]:
        """Its place, and how many jobs are read to find it."""
        async with still_gate.rt.db.begin() as tx:
            before = int(await tx.scalar(_JOBS_READ) or 0)
            found = await queue_position_of(tx, generation_id)
            return found.position, int(await tx.scalar(_JOBS_READ) or 0) - before

    for generation_id, place in ((first, 1), (second, 2)):
        position, read = await seen(generation_id)
        assert position == place
        assert read <= 2 * place
    await execute(still_gate, "UPDATE procrastinate_jobs SET priority = 5 WHERE priority = -5")
    position, read = await seen(second)
    assert position == MOST_COUNTED
    assert read <= MOST_COUNTED + 1
    await execute(still_gate, "DELETE FROM procrastinate_jobs WHERE queue_name = 'submit'")
    assert (await seen(second))[0] is None


async def test_the_first_that_finds_no_budget_postpones_all_that_are_due(
    database_url: str, tmp_path: Path
) -> None:
    """Thousands that wait would else each ask every half minute."""
    async with gateway(database_url, tmp_path, worker=False, upstream_rate_per_minute=6) as gate:
        await gate.worker.upstream_key_ids_now()
        gate.worker.upstream_key_ids["second"] = -1
        await pauses.set_paused(gate.rt, Pause.SUBMISSION, paused=True, reason="x", actor="test")
        ada, ben = await gate.member("ada"), await gate.member("ben")
        made = [
            await created(gate, key, f"wave {number}")
            for key, count in ((ada, 8), (ben, 1))
            for number in range(count)
        ]
        first, *_, later, bens = made
        await execute(
            gate,
            "UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour'"
            f" WHERE queueing_lock = 'submit:{later}'",
        )
        await execute(
            gate, f"DELETE FROM procrastinate_jobs WHERE queueing_lock = 'submit:{first}'"
        )
        await submit(gate.worker, UUID(first))
        async with gate.rt.db.single() as tx:
            rows = await tx.execute(
                text(
                    "SELECT args->>'subject_id' AS id,"
                    " extract(epoch FROM scheduled_at - now())::float AS wait"
                    " FROM procrastinate_jobs WHERE queue_name = 'submit'"
                )
            )
            waits = {row.id: row.wait for row in rows}
    assert waits.pop(later) > 3000
    # A pause is looked at again in ten seconds; two keys make one request in five, and the first
    # of each member go first.
    firsts = sorted((first, bens), key=waits.__getitem__)
    turns = [*firsts, *made[1:-2]]
    assert [round(waits[id_] / 5) for id_ in turns] == [2, 3, 4, 5, 6, 6, 6, 6]
