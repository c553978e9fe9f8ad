"""Deleting a video: its bytes go, its record stays, and nothing is left that nobody knows of."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from app.domain.caller import Role
from app.domain.generation import video_path
from app.http_client import Response
from app.worker import archiving, retention
from tests.harness.gateway import Gateway
from tests.videos.videos import archived, delete, deletions, file_of, files_in, row_of
from tests.worker.test_archiving import failed_once
from tests.worker.test_submissions import PRICE, created, used


async def test_the_owner_deletes_a_video_and_keeps_the_record(gate: Gateway) -> None:
    key = await gate.member()
    generation = await archived(gate, key)
    file, me = file_of(gate, generation), {"API-KEY": key}
    before = (await gate.http.get(f"/api/v1/generations/{generation.id}", headers=me)).json()

    answer = await delete(gate, key, generation.id)
    assert (answer.status_code, answer.content) == (204, b"")

    assert not file.exists()
    assert await row_of(gate, generation.id) == ("deleted", None)
    after = (await gate.http.get(f"/api/v1/generations/{generation.id}", headers=me)).json()
    assert (after["state"], after["video"]["state"]) == ("succeeded", "deleted")
    assert after["video"]["url"] is None
    assert after["video"]["sha256"] == before["video"]["sha256"]
    assert await used(gate, key) == PRICE
    for address in (before["video"]["url"], f"/api/v1/generations/{generation.id}/content"):
        gone = await gate.http.get(address, headers=me)
        assert (gone.status_code, gone.json()["code"]) == (410, "video_expired")
    assert await deletions(gate, generation.id) == [
        {"reason": "owner", "by": str(generation.member_id)}
    ]


async def test_deleting_again_changes_nothing(gate: Gateway) -> None:
    key = await gate.member()
    generation = await archived(gate, key)
    for _ in range(2):
        assert (await delete(gate, key, generation.id)).status_code == 204
    assert len(await deletions(gate, generation.id)) == 1


async def test_other_peoples_videos_are_unknown(gate: Gateway) -> None:
    owner, other = await gate.member("ada"), await gate.member("bob")
    stranger = await gate.member("eve", team="elsewhere", role=Role.ADMIN)
    generation = await archived(gate, owner)
    for key, wanted in ((other, generation.id), (stranger, generation.id), (owner, uuid4())):
        answer = await delete(gate, key, wanted)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert file_of(gate, generation).exists()


async def test_an_administrator_deletes_what_is_the_teams(gate: Gateway) -> None:
    owner = await gate.member("ada")
    boss = await gate.member("grace", role=Role.ADMIN)
    generation = await archived(gate, owner)
    assert (await delete(gate, boss, generation.id)).status_code == 204
    assert not file_of(gate, generation).exists()
    [said] = await deletions(gate, generation.id)
    assert said["reason"] == "admin"
    assert said["by"] != str(generation.member_id)


async def test_what_has_not_ended_is_not_deleted(still_gate: Gateway) -> None:
    key = await still_gate.member()
    answer = await delete(still_gate, key, await created(still_gate, key))
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "not_ready")
    assert "Cancel it instead" in problem["detail"]


async def test_what_ended_without_a_video_has_nothing_to_delete(gate: Gateway) -> None:
    key = await gate.member()
    await gate.simulator.fault("validation")
    failed = await gate.closed(await created(gate, key))
    assert (await delete(gate, key, failed.id)).status_code == 204
    assert await deletions(gate, failed.id) == []


@pytest.mark.usefixtures("by_hand")
async def test_a_video_on_its_way_to_the_archive_is_dropped(gate: Gateway) -> None:
    key = await gate.member()
    await gate.simulator.fault("status", match={"path": "download"}, times=None, status=503)
    uuid = await created(gate, key)
    await failed_once(gate, uuid)
    assert (await delete(gate, key, uuid)).status_code == 204
    assert await row_of(gate, UUID(uuid)) == ("deleted", None)
    # Its job still waits for the next try.
    await archiving.archive(gate.worker, UUID(uuid))
    assert await row_of(gate, UUID(uuid)) == ("deleted", None)
    seen = await gate.http.get(f"/api/v1/generations/{uuid}/content", headers={"API-KEY": key})
    assert (seen.status_code, seen.json()["code"]) == (410, "video_expired")


@pytest.mark.usefixtures("by_hand")
async def test_a_video_that_is_deleted_while_it_is_archived_leaves_no_bytes(
    gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await gate.member()
    await gate.simulator.fault("status", match={"path": "download"}, status=503)
    uuid = await created(gate, key)
    await failed_once(gate, uuid)
    await gate.stop_workers()
    downloading, deleted = asyncio.Event(), asyncio.Event()
    download = gate.worker.upstream.download

    @contextlib.asynccontextmanager
    async def held(link: str) -> AsyncIterator[Response]:
        async with download(link) as response:
            downloading.set()
            await deleted.wait()
            yield response

    monkeypatch.setattr(gate.worker.upstream, "download", held)
    running = asyncio.create_task(archiving.archive(gate.worker, UUID(uuid)))
    await downloading.wait()
    assert (await delete(gate, key, uuid)).status_code == 204
    assert not running.done()
    deleted.set()
    await running
    assert await row_of(gate, UUID(uuid)) == ("deleted", None)
    assert files_in(gate.rt.settings.data_dir / "archive") == []


@pytest.mark.usefixtures("by_hand")
async def test_bytes_that_a_dead_worker_wrote_for_a_deleted_video_go_with_its_job(
    gate: Gateway,
) -> None:
    key = await gate.member()
    await gate.simulator.fault("status", match={"path": "download"}, times=None, status=503)
    uuid = await created(gate, key)
    await failed_once(gate, uuid)
    await delete(gate, key, uuid)
    generation = await gate.closed(uuid)
    path = video_path(generation.id, generation.created_at, token="dead")
    left = gate.rt.settings.data_dir / "archive" / path
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_bytes(b"written just before the worker died")
    await archiving.archive(gate.worker, generation.id)
    assert not left.exists()


async def test_bytes_the_archive_would_not_give_up_are_removed_later(gate: Gateway) -> None:
    key = await gate.member()
    generation = await archived(gate, key)
    file = file_of(gate, generation)
    # A folder in the file's place: it cannot be removed as a file, also not by root.
    bytes_ = file.read_bytes()
    file.unlink()
    file.mkdir()
    assert (await delete(gate, key, generation.id)).status_code == 204
    state, path = await row_of(gate, generation.id)
    assert (state, path) == ("deleted", generation.asset and generation.asset.path)
    seen = await gate.http.get(
        f"/api/v1/generations/{generation.id}/content", headers={"API-KEY": key}
    )
    assert seen.status_code == 410
    await retention.one_round(gate.worker)
    assert (await row_of(gate, generation.id))[1] is not None

    file.rmdir()
    file.write_bytes(bytes_)
    await retention.one_round(gate.worker)
    assert not file.exists()
    assert await row_of(gate, generation.id) == ("deleted", None)
