"""After a restore nothing that may have been sent is sent by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.db import upstream_keys
from app.domain.generation import State
from app.errors import InvalidRequest
from app.generations import lifecycle
from app.operators import restore
from app.videos.store import Archive, ArchiveUnavailable
from app.worker import archiving
from tests.harness.gateway import Gateway
from tests.videos.videos import archived
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
    async with lifecycle.begin(gate.rt) as transaction:
        ids = await upstream_keys.register(transaction.tx, {"main": "0123456789abcdef"})
        assert await lifecycle.begin_attempt(
            transaction, submitting, attempt=uuid4(), upstream_key_id=ids["main"],
            now=gate.rt.clock.now(),
        )  # fmt: skip
    assert await restore.mark_unsent_unknown(gate.rt, actor="op") == 2
    for generation_id in (queued, submitting):
        generation = await gate.generation(generation_id)
        assert (generation.state, generation.error_code) == (State.UNKNOWN, "outcome_unknown")
    assert (await events_of(gate, queued))[-2:] == [
        ("generation.submitting", "restored"),
        ("generation.unknown", "restored"),
    ]
    assert (await events_of(gate, submitting))[-1] == ("generation.unknown", "restored")
    assert await used(gate, key) == 2 * PRICE

    assert await restore.mark_unsent_unknown(gate.rt, actor="op") == 0
    async with gate.rt.db.single() as tx:
        said = (
            await tx.scalars(
                text("SELECT detail FROM audit_log WHERE action = 'generations.mark_unknown'")
            )
        ).all()
    assert [set(detail["generations"]) for detail in said] == [{str(queued), str(submitting)}]


async def test_what_has_an_end_or_an_upstream_id_is_left_alone(gate: Gateway) -> None:
    key = await gate.member()
    succeeded = await archived(gate, key)
    await gate.simulator.fault("never_finish")
    running = UUID(await created(gate, key))
    while (await gate.generation(running)).state is not State.RUNNING:
        await gate.rt.watch.until_closed(running, seconds=0.05)
    await gate.stop_workers()
    assert await restore.mark_unsent_unknown(gate.rt, actor="op") == 0
    assert (await gate.generation(running)).state is State.RUNNING
    assert (await gate.generation(succeeded.id)).state is State.SUCCEEDED


async def test_it_is_refused_beside_a_worker(gate: Gateway) -> None:
    key = await gate.member()
    await archived(gate, key)
    with pytest.raises(InvalidRequest, match="A worker is running"):
        await restore.mark_unsent_unknown(gate.rt, actor="op")


async def on_its_way(gate: Gateway, generation_id: UUID) -> None:
    """As the dump has it: a try had claimed its path, and the file came after."""
    async with gate.rt.db.begin() as tx:
        await tx.execute(
            text(
                "UPDATE assets SET state = 'pending', size_bytes = NULL, sha256 = NULL,"
                " archived_at = NULL WHERE generation_id = :id"
            ),
            {"id": generation_id},
        )


def files_of(gate: Gateway) -> list[Path]:
    folder = gate.rt.settings.data_dir / "archive" / "videos"
    return [file for file in folder.rglob("*") if file.is_file()]


async def test_a_file_that_came_into_the_archive_after_the_dump_is_not_thrown_away(
    gate: Gateway,
) -> None:
    key = await gate.member()
    kept = await archived(gate, key)
    await gate.stop_workers()
    # The link is dead, and the upstream gives no other.
    await gate.simulator.fault("key_deleted", match={"path": "results"}, times=None)
    await gate.simulator.fault("link_gone", match={"path": "download"}, times=None)
    await on_its_way(gate, kept.id)
    await archiving.archive(gate.worker, kept.id)
    restored = (await gate.generation(kept.id)).asset
    assert restored is not None
    assert kept.asset is not None
    assert (restored.state, restored.sha256) == ("archived", kept.asset.sha256)
    assert files_of(gate) == [gate.rt.settings.data_dir / "archive" / str(restored.path)]


async def test_a_copy_whose_try_was_stopped_is_not_left_behind(
    gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await archived(gate, await gate.member())
    await gate.stop_workers()
    await on_its_way(gate, kept.id)

    async def stopped(*_: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(archiving, "_look_into", stopped)
        with pytest.raises(asyncio.CancelledError):
            await archiving.archive(gate.worker, kept.id)
    assert len(files_of(gate)) == 2
    await archiving.archive(gate.worker, kept.id)
    taken = (await gate.generation(kept.id)).asset
    assert taken is not None
    assert files_of(gate) == [gate.rt.settings.data_dir / "archive" / str(taken.path)]


async def test_what_was_taken_over_goes_once_the_archive_lets_it(
    gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await archived(gate, await gate.member())
    await gate.stop_workers()
    await on_its_way(gate, kept.id)

    async def refused(_: Archive, path: str) -> None:
        raise ArchiveUnavailable("the archive could not delete")

    with monkeypatch.context() as patched:
        patched.setattr(Archive, "delete", refused)
        with pytest.raises(ArchiveUnavailable):
            await archiving.archive(gate.worker, kept.id)
    assert len(files_of(gate)) == 2
    # The job is made again.
    await archiving.archive(gate.worker, kept.id)
    taken = (await gate.generation(kept.id)).asset
    assert taken is not None
    assert taken.state == "archived"
    assert files_of(gate) == [gate.rt.settings.data_dir / "archive" / str(taken.path)]


async def test_what_could_not_be_discarded_at_once_goes_with_the_next_video(
    gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await archived(gate, await gate.member())
    assert kept.asset is not None
    await gate.stop_workers()
    await on_its_way(gate, kept.id)
    folder = gate.rt.settings.data_dir / "archive"
    (folder / str(kept.asset.path)).write_bytes(b"not a video")
    delete, refusals = Archive.delete, 2

    async def refused_at_first(archive: Archive, path: str) -> None:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise ArchiveUnavailable("the archive could not delete")
        await delete(archive, path)

    monkeypatch.setattr(Archive, "delete", refused_at_first)
    await archiving.archive(gate.worker, kept.id)
    again = (await gate.generation(kept.id)).asset
    assert again is not None
    assert (again.state, refusals) == ("archived", 0)
    assert files_of(gate) == [folder / str(again.path)]


async def test_a_file_that_is_no_video_is_not_taken_for_one(gate: Gateway) -> None:
    key = await gate.member()
    kept = await archived(gate, key)
    assert kept.asset is not None
    await gate.stop_workers()
    await on_its_way(gate, kept.id)
    folder = gate.rt.settings.data_dir / "archive"
    (folder / str(kept.asset.path)).write_bytes(b"not a video")
    await archiving.archive(gate.worker, kept.id)
    again = (await gate.generation(kept.id)).asset
    assert again is not None
    assert (again.state, again.sha256) == ("archived", kept.asset.sha256)
