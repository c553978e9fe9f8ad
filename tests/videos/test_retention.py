"""Retention: what is older than its team keeps it goes, and nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from app.db import teams as rows
from app.errors import InvalidRequest
from app.members import teams
from app.videos.deletion import BATCH
from app.worker import retention
from tests.harness.actors import TESTER
from tests.harness.clock import HandClock
from tests.harness.gateway import TEAM, Gateway, gateway
from tests.harness.processes import Process
from tests.simulator.conftest import until
from tests.videos.videos import archived, deletions, file_of, row_of, run

DAY = 86_400


async def keep_for(gate: Gateway, days: int | None, team: str = TEAM) -> None:
    await teams.change_team(
        gate.rt, team, retention_days=days, keep_forever=days is None, actor=TESTER
    )


async def test_videos_are_kept_for_ever_unless_the_team_says_otherwise(
    database_url: str, tmp_path: Path
) -> None:
    clock = HandClock()
    async with gateway(database_url, tmp_path, clock=clock) as gate:
        ours = await archived(gate, await gate.member("ada"))
        theirs = await archived(gate, await gate.member("bob", team="keepers"))
        clock.move(3650 * DAY)
        await retention.one_round(gate.worker)
        assert (await row_of(gate, ours.id))[0] == "archived"

        await keep_for(gate, 3651)
        await retention.one_round(gate.worker)
        assert (await row_of(gate, ours.id))[0] == "archived"

        await keep_for(gate, 3649)
        await retention.one_round(gate.worker)
        assert await row_of(gate, ours.id) == ("deleted", None)
        assert not file_of(gate, ours).exists()
        assert await deletions(gate, ours.id) == [{"reason": "retention"}]
        assert (await row_of(gate, theirs.id))[0] == "archived"
        assert file_of(gate, theirs).exists()


async def test_a_worker_does_it_by_itself(gate: Gateway) -> None:
    generation = await archived(gate, await gate.member())
    await gate.stop_workers()
    await run(gate, "UPDATE assets SET archived_at = now() - interval '31 days'")
    await keep_for(gate, 30)
    gate.start_worker()

    async def deleted() -> bool:
        return await row_of(gate, generation.id) == ("deleted", None)

    await until(deleted)


async def test_more_than_a_batch_goes_in_one_round_and_missing_files_are_no_trouble(
    gate: Gateway,
) -> None:
    await archived(gate, await gate.member())
    many = BATCH * 2 + 7
    await run(
        gate,
        "INSERT INTO generations SELECT (jsonb_populate_record(g, jsonb_build_object("
        f"'id', gen_random_uuid(), 'upstream_id', n))).* FROM generations g,"
        f" generate_series(1, {many}) n",
    )
    await run(gate, "SELECT reelgate_rebuild_usage(NULL)")
    await run(
        gate,
        "INSERT INTO assets"
        " (generation_id, team_id, kind, state, path, size_bytes, sha256, archived_at)"
        " SELECT id, team_id, 'video', 'archived', 'videos/' || id || '.mp4', 1, 'x',"
        " now() - interval '9 days' FROM generations"
        " WHERE id NOT IN (SELECT generation_id FROM assets)",
    )
    await keep_for(gate, 8)
    await retention.one_round(gate.worker)
    async with gate.rt.db.single() as tx:
        counted = await tx.execute(
            text("SELECT state, path IS NULL AS gone, count(*) FROM assets GROUP BY 1, 2")
        )
        assert sorted(tuple(row) for row in counted) == [
            ("archived", False, 1), ("deleted", True, many),
        ]  # fmt: skip
        events = await tx.scalar(text("SELECT count(*) FROM events WHERE type = 'video.deleted'"))
    assert events == many


async def test_two_that_retain_at_once_write_one_event_each(gate: Gateway) -> None:
    key = await gate.member()
    videos = [await archived(gate, key, f"wave {n}") for n in range(3)]
    await run(gate, "UPDATE assets SET archived_at = now() - interval '9 days'")
    await keep_for(gate, 8)
    await asyncio.gather(*(retention.one_round(gate.worker) for _ in range(4)))
    for video in videos:
        assert len(await deletions(gate, video.id)) == 1
        assert await row_of(gate, video.id) == ("deleted", None)


@pytest.mark.parametrize("days", [0, -1, 36_501])
async def test_a_retention_that_makes_no_sense_is_refused(still_gate: Gateway, days: int) -> None:
    await still_gate.member()
    with pytest.raises(InvalidRequest):
        await keep_for(still_gate, days)


async def test_the_command_sets_and_ends_it_with_an_audit_line(
    still_gate: Gateway, database_url: str, tmp_path: Path
) -> None:
    await still_gate.member()
    settings = {"DATABASE_URL": database_url}

    async def limit(*options: str) -> int:
        command = Process("team", "limit", TEAM, *options, folder=tmp_path / "cli", name="limit",
                          settings=settings)  # fmt: skip
        return await asyncio.to_thread(command.exit_code)

    assert await limit("--retention-days", "30") == 0
    async with still_gate.rt.db.single() as tx:
        assert (await rows.list_teams(tx))[0].retention_days == 30
    assert await limit("--credit-limit", "5") == 0
    async with still_gate.rt.db.single() as tx:
        assert (await rows.list_teams(tx))[0].retention_days == 30
    assert await limit("--keep-forever") == 0
    assert await limit("--keep-forever", "--retention-days", "3") == 2
    async with still_gate.rt.db.single() as tx:
        assert (await rows.list_teams(tx))[0].retention_days is None
        said = await tx.scalars(
            text("SELECT detail FROM audit_log WHERE action = 'team.change' ORDER BY id")
        )
    details = list(said)
    assert details[0]["retention_days"] == 30
    assert details[2]["keep_forever"] is True
