"""Archiving against downloads that go wrong: a failed download is repeated, a render never."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.db import assets
from app.errors import NotSetAside
from app.videos import retry
from app.worker import archiving, polls, submissions
from tests.harness.actors import TESTER
from tests.harness.gateway import Gateway, gateway
from tests.simulator.conftest import until
from tests.worker.test_lost_news import finished
from tests.worker.test_submissions import created, submissions_of


async def trouble(gate: Gateway, uuid: str) -> tuple[str, int, str | None]:
    """State, attempts and last error of a video."""
    async with gate.rt.db.single() as tx:
        row = (
            await tx.execute(
                text("SELECT state, attempts, last_error FROM assets WHERE generation_id = :id"),
                {"id": UUID(uuid)},
            )
        ).one()
    return row.state, row.attempts, row.last_error


async def failed_once(gate: Gateway, uuid: str) -> None:
    """Waits for the first attempt at its video to have failed."""

    async def there() -> bool:
        return (await trouble(gate, uuid))[2] not in (None, assets.INTERRUPTED)

    await gate.closed(uuid)
    await until(there)


@pytest.mark.usefixtures("by_hand")
@pytest.mark.parametrize(
    ("fault", "options", "reason"),
    [
        ("download_truncated", {"declared": "full"}, "reset"),
        ("download_truncated", {"declared": "short"}, "not_a_video"),
        ("download_not_mp4", {}, "not_a_video"),
        ("download_empty", {}, "empty"),
        ("download_reset_midway", {}, "reset"),
        ("download_redirect", {"location": "http://169.254.169.254/latest/"}, "refused"),
        ("download_redirect", {"location": "file:///etc/passwd"}, "refused"),
        ("status", {"status": 503}, "http_503"),
    ],
)
async def test_a_bad_download_leaves_nothing_behind_and_is_repeated(
    gate: Gateway, fault: str, options: dict[str, Any], reason: str
) -> None:
    key = await gate.member()
    # A refused redirect and a missing file are tried with a fresh link in the same breath.
    await gate.simulator.fault(fault, match={"path": "download"}, times=2, **options)
    uuid = await created(gate, key)
    await failed_once(gate, uuid)
    state, attempts, error = await trouble(gate, uuid)
    assert (state, error) == ("pending", reason)
    folder = gate.rt.settings.data_dir / "archive" / "videos"
    assert [file for file in folder.rglob("*") if file.is_file()] == []
    while (await trouble(gate, uuid))[0] == "pending":
        await archiving.archive(gate.worker, UUID(uuid))
    generation = await gate.archived(uuid)
    assert generation.asset is not None
    assert generation.asset.path is not None
    kept = (gate.rt.settings.data_dir / "archive" / generation.asset.path).read_bytes()
    assert hashlib.sha256(kept).hexdigest() == generation.asset.sha256
    assert attempts >= 1
    assert len(await submissions_of(gate, "a wave")) == 1


async def test_a_dead_link_is_replaced_by_a_fresh_one(still_gate: Gateway) -> None:
    gate = still_gate
    generation_id = await finished(gate, await gate.member())
    # Of this very second there is but one link, and a fresh one would be the same.
    async with gate.rt.db.begin() as tx:
        await tx.execute(text("UPDATE assets SET source_link = source_link || '0'"))
    await archiving.archive(gate.worker, generation_id)
    assert (await trouble(gate, str(generation_id)))[0] == "archived"
    downloads = (await gate.simulator.summary())["outcomes"]["download"]
    assert downloads == {"refused:signature": 1, "sent": 1}


@pytest.mark.usefixtures("by_hand")
async def test_an_endless_download_is_cut_at_the_limit(database_url: str, tmp_path: Path) -> None:
    async with gateway(database_url, tmp_path, max_video_bytes=2_000_000) as gate:
        key = await gate.member()
        await gate.simulator.fault("download_endless", match={"path": "download"}, times=1)
        uuid = await created(gate, key)
        await failed_once(gate, uuid)
        assert (await trouble(gate, uuid))[2] == "too_large"


async def test_a_download_that_trickles_gives_its_place_to_others_and_is_tried_again(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with gateway(database_url, tmp_path, archive_concurrency=1) as gate:
        key = await gate.member()
        monkeypatch.setattr(archiving, "_FIRST_RETRY_SECONDS", 0.1)
        slow = {"prompt_contains": "slow", "path": "download"}
        await gate.simulator.fault("download_slow", match=slow, times=None, seconds=3600)
        with monkeypatch.context() as hasty:
            hasty.setattr(archiving, "ATTEMPT_SECONDS", 0.5)
            uuid = await created(gate, key, "slow")
            await failed_once(gate, uuid)
            state, _, error = await trouble(gate, uuid)
            assert (state, error) == ("pending", "timeout")
            await gate.simulator.http.delete("/_simulator/rules")
        assert (await gate.archived(await created(gate, key, "another"))).asset is not None
        assert (await gate.archived(uuid)).asset is not None
        folder = gate.rt.settings.data_dir / "archive" / "videos"
        assert len([file for file in folder.rglob("*") if file.is_file()]) == 2


async def test_a_video_that_is_not_what_was_asked_for_is_kept_and_flagged(
    gate: Gateway,
) -> None:
    key = await gate.member()
    await gate.simulator.fault("download_mismatch", match={"path": "download"}, times=None)
    generation = await gate.archived(await created(gate, key))
    assert generation.asset is not None
    assert generation.asset.mismatch


@pytest.mark.usefixtures("by_hand")
async def test_when_the_link_is_surely_dead_the_loss_is_said_in_the_open(gate: Gateway) -> None:
    key = await gate.member()
    await gate.simulator.fault("link_gone", match={"path": "download"}, times=None)
    uuid = await created(gate, key)
    await failed_once(gate, uuid)
    async with gate.rt.db.begin() as tx:
        await tx.execute(text("UPDATE assets SET created_at = now() - interval '8 days'"))
    await archiving.archive(gate.worker, UUID(uuid))
    state, _, _ = await trouble(gate, uuid)
    assert state == "lost"
    metrics = (await gate.http.get("/metrics")).text
    assert 'reelgate_assets{state="lost"} 1.0' in metrics
    seen = await gate.http.get(f"/api/v1/generations/{uuid}", headers={"API-KEY": key})
    assert seen.json()["video"]["state"] == "lost"
    assert seen.json()["video"]["url"] is None


@pytest.mark.usefixtures("by_hand")
async def test_what_is_only_in_the_way_for_a_while_loses_nothing_after_a_week(
    gate: Gateway,
) -> None:
    key = await gate.member()
    await gate.simulator.fault("link_gone", match={"path": "download"}, times=None)
    uuid = await created(gate, key)
    await failed_once(gate, uuid)
    await gate.simulator.fault("http_503", match={"path": "results"}, times=None)
    async with gate.rt.db.begin() as tx:
        await tx.execute(text("UPDATE assets SET created_at = now() - interval '8 days'"))
    await archiving.archive(gate.worker, UUID(uuid))
    state, _, error = await trouble(gate, uuid)
    assert (state, error) == ("pending", "look_up_failed")


async def test_a_second_try_beside_a_first_that_was_only_thought_dead_harms_nobody(
    gate: Gateway,
) -> None:
    key = await gate.member()
    await gate.stop_workers()
    uuid = await created(gate, key)
    generation_id = UUID(uuid)
    await submissions.submit(gate.worker, generation_id)
    async with asyncio.timeout(60):
        while not (await gate.generation(generation_id)).finished_at:
            await polls.poll(gate.worker, generation_id)
    # The first try downloads slowly and then gets no video at all.
    await gate.simulator.fault("download_not_mp4", match={"path": "download"}, times=1)
    await gate.simulator.fault("delay", match={"path": "download"}, times=1, seconds=1)
    first, second = await asyncio.gather(
        archiving.archive(gate.worker, generation_id),
        archiving.archive(gate.worker, generation_id),
        return_exceptions=True,
    )  # fmt: skip
    assert (first, second) == (None, None)
    while (await trouble(gate, uuid))[0] == "pending":
        await archiving.archive(gate.worker, generation_id)
    generation = await gate.archived(uuid)
    assert generation.asset is not None
    assert generation.asset.path is not None
    folder = gate.rt.settings.data_dir / "archive"
    kept = (folder / generation.asset.path).read_bytes()
    assert hashlib.sha256(kept).hexdigest() == generation.asset.sha256
    files = [file for file in (folder / "videos").rglob("*") if file.is_file()]
    assert files == [folder / generation.asset.path]


@pytest.mark.usefixtures("by_hand")
async def test_a_video_that_was_given_up_can_be_asked_for_again(gate: Gateway) -> None:
    key = await gate.member()
    await gate.simulator.fault("link_gone", match={"path": "download"}, times=None)
    uuid = await created(gate, key)
    await failed_once(gate, uuid)
    async with gate.rt.db.begin() as tx:
        await tx.execute(text("UPDATE assets SET state = 'lost'"))
        # What is given up is not waited for.
        await tx.execute(text("DELETE FROM procrastinate_jobs WHERE status = 'todo'"))
    await gate.simulator.http.delete("/_simulator/rules")
    await retry.retry_archiving(gate.rt, UUID(uuid), actor=TESTER)
    assert (await gate.archived(uuid)).asset is not None
    with pytest.raises(NotSetAside):
        await retry.retry_archiving(gate.rt, UUID(uuid), actor=TESTER)


@pytest.mark.usefixtures("by_hand")
async def test_an_archive_that_cannot_be_written_is_tried_again(gate: Gateway) -> None:
    key = await gate.member()
    folder = gate.rt.settings.data_dir / "archive"
    # A file where the folder should be: nothing can be written below it, also not by root.
    (folder / "videos").write_bytes(b"in the way")
    uuid = await created(gate, key)
    await failed_once(gate, uuid)
    assert (await trouble(gate, uuid))[2] == "archive_unavailable"
    (folder / "videos").unlink()
    await archiving.archive(gate.worker, UUID(uuid))
    assert (await trouble(gate, uuid))[0] == "archived"
