"""Usage, added up when generations end."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.billing import accounts
from app.db import usage
from app.domain.generation import FailureCode
from app.generations import cancel, lifecycle
from app.members import keys, teams
from tests.chaos.evidence import miscounted_usage
from tests.harness.actors import TESTER
from tests.harness.clock import HandClock
from tests.harness.gateway import TEAM, Gateway, gateway
from tests.harness.traces import execute, one
from tests.worker.test_submissions import work_of

PRICE = 150_000
#: The longest tag there can be, in the longest characters.
LONGEST = {chr(0x10000 + n) * 64: chr(0x20000 + n) * 512 for n in range(16)}


async def create(gate: Gateway, key: str, **fields: Any) -> str:
    body = {"feature": "TEXT_TO_VIDEO", "prompt": "a lion", "model": "ray-v3", "duration": "5s"}
    answer = await gate.http.post(
        "/api/v1/generations", json={**body, **fields}, headers={"API-KEY": key}
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def fail(gate: Gateway, generation_id: str, billed: int = 0) -> None:
    work = await work_of(gate, generation_id)
    async with lifecycle.begin(gate.rt) as transaction:
        await lifecycle.fail(
            transaction, work, attempt=None, code=FailureCode.UPSTREAM_FAILED, message="no",
            now=gate.rt.clock.now(), billed_credits=billed,
        )  # fmt: skip


async def test_an_end_is_counted_once_with_all_its_tags(still_gate: Gateway) -> None:
    key = await still_gate.member()
    made = await create(still_gate, key, metadata={"cost_centre": "12", "order": "7"})
    counted = "SELECT count(*) AS rows, coalesce(sum(settled), 0)::bigint AS settled FROM"
    assert (await one(still_gate, f"{counted} daily_usage"))["rows"] == 0
    await fail(still_gate, made, billed=7)
    await fail(still_gate, made, billed=8)
    assert await one(still_gate, f"{counted} daily_usage") == {"rows": 3, "settled": 21}
    assert await one(still_gate, f"{counted} team_usage") == {"rows": 2, "settled": 14}
    assert await accounts.verify_usage(still_gate.rt) == []


async def test_the_longest_tags_are_counted(still_gate: Gateway) -> None:
    key = await still_gate.member()
    await fail(still_gate, await create(still_gate, key, metadata=LONGEST))
    rows = await one(still_gate, "SELECT count(*) AS rows FROM daily_usage")
    assert rows["rows"] == 17


async def test_ends_at_the_same_time_wait_for_each_other_in_one_order(still_gate: Gateway) -> None:
    """Of one key and day, with tags in different orders, while usage is made anew."""
    key = await still_gate.member(rate_burst=1000, max_open=1000)
    tags = [{"a": "1", "b": "2", "c": "3"}, {"c": "3", "b": "2"}, {"b": "2", "a": "1", "c": "3"}]
    made = [await create(still_gate, key, metadata=tags[n % 3]) for n in range(30)]

    async def zones() -> None:
        for zone in ("Asia/Tokyo", "UTC", "Pacific/Apia", "Europe/Berlin"):
            await teams.change_team(still_gate.rt, TEAM, time_zone=zone, actor=TESTER)
        await accounts.rebuild(still_gate.rt, actor="test")

    await asyncio.gather(*(fail(still_gate, each, billed=1) for each in made), zones())
    total = await one(
        still_gate,
        "SELECT sum(generations) AS generations, sum(settled) AS settled FROM daily_usage"
        " WHERE tag = ''",
    )
    assert total == {"generations": 30, "settled": 30}
    assert await accounts.verify_usage(still_gate.rt) == []


async def test_a_correction_changes_what_it_cost_and_not_how_many(still_gate: Gateway) -> None:
    key = await still_gate.member()
    made = await create(still_gate, key, metadata={"order": "7"})
    await fail(still_gate, made, billed=9)
    async with still_gate.rt.db.begin() as tx:
        await tx.execute(text("UPDATE generations SET settled = 4"))
        await tx.execute(text("SELECT reelgate_count_usage(:id, 0, -5)"), {"id": made})
    assert await accounts.verify_usage(still_gate.rt) == []


async def test_days_are_those_of_the_teams_time_zone(database_url: str, tmp_path: Path) -> None:
    clock = HandClock()
    #: 00:30 on the day after in Berlin, where clocks are set forward at 02:00.
    clock.at = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        key = await gate.member()
        for hours in (0, 22, 23):
            clock.at = datetime(2026, 3, 28, 23, 30, tzinfo=UTC) + timedelta(hours=hours)
            made = await create(gate, key)
            # It ends much later.
            clock.move(3 * 86_400)
            await cancel.cancel(gate.rt, UUID(made), actor="test")

        async def days() -> dict[str, int]:
            async with gate.rt.db.single() as tx:
                rows = await tx.execute(
                    text("SELECT day, generations FROM daily_usage ORDER BY day")
                )
                return {str(row.day): row.generations for row in rows}

        assert await days() == {"2026-03-28": 1, "2026-03-29": 2}
        await teams.change_team(gate.rt, TEAM, time_zone="Europe/Berlin", actor=TESTER)
        assert await days() == {"2026-03-29": 2, "2026-03-30": 1}
        assert await accounts.verify_usage(gate.rt) == []


async def test_a_key_that_replaces_another_goes_on_in_its_usage(still_gate: Gateway) -> None:
    key = await still_gate.member()
    rotated = await keys.rotate_key(still_gate.rt, key, overlap_seconds=60, actor=TESTER)
    for secret in (key, rotated.secret):
        await fail(still_gate, await create(still_gate, secret), billed=1)
    row = await one(still_gate, "SELECT generations, settled FROM daily_usage")
    assert row == {"generations": 2, "settled": 2}


async def test_usage_that_was_changed_by_hand_is_found_and_made_anew(still_gate: Gateway) -> None:
    key = await still_gate.member()
    await fail(still_gate, await create(still_gate, key, metadata={"order": "7"}), billed=1)
    await execute(still_gate, "UPDATE daily_usage SET settled = 2 WHERE tag = 'order'")
    await execute(still_gate, "DELETE FROM team_usage WHERE day = '-infinity'")
    member, team = await accounts.verify_usage(still_gate.rt)
    assert (member.tag, member.settled, member.true_settled) == ("order=7", 2, 1)
    assert (team.member_id, team.day, team.generations, team.true_generations) == (None, None, 0, 1)
    # What every test database and every chaos run is looked at for, too.
    assert len(miscounted_usage(still_gate.rt.db.address)) == 2
    await accounts.rebuild(still_gate.rt, actor="test")
    assert await accounts.verify_usage(still_gate.rt) == []
    assert miscounted_usage(still_gate.rt.db.address) == []


async def test_sums_have_what_ended_and_what_is_open(still_gate: Gateway) -> None:
    key = await still_gate.member()
    await fail(still_gate, await create(still_gate, key), billed=5)
    await create(still_gate, key)
    async with still_gate.rt.db.single() as tx:
        [sums] = await usage.sums(tx)
    assert (sums.team, sums.dialect, sums.videos) == (TEAM, "rest", 0)
    assert (sums.spent_credits, sums.held_credits) == (5, PRICE)
