"""Verifying an archive, and carrying it to another store."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.errors import InvalidRequest, NotFound
from app.videos import verify
from app.videos.verify import Verdict
from tests.harness.gateway import TEAM, Gateway
from tests.harness.processes import Process
from tests.videos.videos import archived, delete, file_of, files_in, path_of, row_of, run
from tests.worker.test_archiving import failed_once
from tests.worker.test_submissions import created


async def reelgate(
    gate: Gateway, *command: str, settings: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Exit code and what was printed by a process of its own."""
    folder = gate.rt.settings.data_dir
    process = Process(
        *command,
        folder=folder / "cli",
        name="command",
        settings={
            "DATABASE_URL": gate.rt.db.address,
            "REELGATE_ARCHIVE_URL": (folder / "archive").as_uri(),
            **(settings or {}),
        },
    )
    code = await asyncio.to_thread(process.exit_code)
    return code, process.printed + process.errors


def store(folder: Path, name: str = "other") -> tuple[str, Path]:
    """Address and place of another store."""
    return (folder / name).as_uri(), folder / name


async def test_an_archive_that_is_whole_is_called_so(gate: Gateway) -> None:
    key = await gate.member()
    for number in range(3):
        await archived(gate, key, f"wave {number}")
    report = await verify.verify(gate.rt)
    assert report.sound
    assert dict(report.counts) == {Verdict.OK: 3}


async def test_missing_changed_and_shortened_files_are_found(gate: Gateway) -> None:
    key = await gate.member()
    sound, missing, changed, short = [await archived(gate, key, f"wave {n}") for n in range(4)]
    file_of(gate, missing).unlink()
    content = file_of(gate, changed).read_bytes()
    file_of(gate, changed).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    file_of(gate, short).write_bytes(content[:100])
    report = await verify.verify(gate.rt)
    assert not report.sound
    assert dict(report.counts) == {Verdict.OK: 1, Verdict.MISSING: 1, Verdict.CHANGED: 2}
    assert dict(report.bad) == {
        path_of(missing): Verdict.MISSING,
        path_of(changed): Verdict.CHANGED,
        path_of(short): Verdict.CHANGED,
    }
    assert path_of(sound) not in dict(report.bad)


async def test_a_part_of_the_archive_is_verified_by_team_and_age(gate: Gateway) -> None:
    ours = await archived(gate, await gate.member("ada"))
    await archived(gate, await gate.member("bob", team="others"))
    file_of(gate, ours).unlink()
    assert (await verify.verify(gate.rt, team="others")).sound
    assert not (await verify.verify(gate.rt, team=TEAM)).sound
    await run(gate, "UPDATE assets SET archived_at = now() - interval '3 days'")
    assert not (await verify.verify(gate.rt, since_days=4)).sound
    assert (await verify.verify(gate.rt, since_days=2)).sound
    with pytest.raises(NotFound):
        await verify.verify(gate.rt, team="nobody")


async def test_only_so_many_bad_files_are_named_and_all_are_counted(gate: Gateway) -> None:
    await archived(gate, await gate.member())
    await run(
        gate,
        "INSERT INTO generations SELECT (jsonb_populate_record(g, jsonb_build_object("
        "'id', gen_random_uuid(), 'upstream_id', n))).* FROM generations g,"
        " generate_series(1, 250) n",
    )
    await run(gate, "SELECT reelgate_rebuild_usage(NULL)")
    await run(
        gate,
        "INSERT INTO assets"
        " (generation_id, team_id, kind, state, path, size_bytes, sha256, archived_at)"
        " SELECT id, team_id, 'video', 'archived', 'videos/' || id || '.mp4', 1, 'x', now()"
        " FROM generations WHERE id NOT IN (SELECT generation_id FROM assets)",
    )
    report = await verify.verify(gate.rt)
    assert dict(report.counts) == {Verdict.OK: 1, Verdict.MISSING: 250}
    assert len(report.bad) == verify.MAX_NAMED


@pytest.mark.usefixtures("by_hand")
async def test_files_without_a_record_are_listed_and_those_on_their_way_are_not(
    gate: Gateway,
) -> None:
    key = await gate.member()
    kept = await archived(gate, key)
    gone = await archived(gate, key, "gone")
    await gate.simulator.fault("status", match={"path": "download"}, times=None, status=503)
    uuid = await created(gate, key, "on its way")
    await failed_once(gate, uuid)
    archive = gate.rt.settings.data_dir / "archive"
    (archive / "videos" / f"{uuid}.mp4").write_bytes(b"not recorded yet")
    deleted_file = file_of(gate, gone)
    await delete(gate, key, gone.id)
    deleted_file.write_bytes(b"back from an old copy")
    (archive / "notes.txt").write_bytes(b"somebody's")
    (archive / "videos" / "0b5cbd0a-6a0d-4a39-bd5c-5d9bb1f0a001.mp4").write_bytes(b"nobody's")
    found = await verify.find_orphans(gate.rt)
    assert sorted(found) == sorted([
        "notes.txt", path_of(gone), "videos/0b5cbd0a-6a0d-4a39-bd5c-5d9bb1f0a001.mp4",
    ])  # fmt: skip
    assert path_of(kept) not in found


async def test_the_command_says_what_is_wrong_and_exits_with_1(gate: Gateway) -> None:
    generation = await archived(gate, await gate.member())
    code, said = await reelgate(gate, "archive", "verify", "--orphans")
    assert code == 0, said
    assert "1 ok, 0 missing, 0 changed, 0 unreadable\n0 without a record" in said
    file_of(gate, generation).unlink()
    code, said = await reelgate(gate, "archive", "verify")
    assert code == 1
    assert f"0 ok, 1 missing, 0 changed, 0 unreadable\n  missing: {path_of(generation)}" in said


async def test_a_move_copies_and_a_second_one_copies_only_what_came_since(
    gate: Gateway, tmp_path: Path
) -> None:
    key = await gate.member()
    address, place = store(tmp_path)
    first = await archived(gate, key)
    report = await verify.move(gate.rt, to=address, actor="test")
    assert dict(report.counts) == {Verdict.COPIED: 1}
    second = await archived(gate, key, "later")
    # What an interrupted or a damaged copy left is made right.
    (place / path_of(first)).write_bytes(b"half")
    third = await archived(gate, key, "last")
    assert dict((await verify.move(gate.rt, to=address, actor="test")).counts) == {
        Verdict.COPIED: 3
    }
    assert dict((await verify.move(gate.rt, to=address, actor="test")).counts) == {
        Verdict.PRESENT: 3
    }
    for generation in (first, second, third):
        original = file_of(gate, generation)
        assert (place / path_of(generation)).read_bytes() == original.read_bytes()
    assert len(files_in(place)) == 3


async def test_a_wrong_file_is_not_copied_and_its_source_stays(
    gate: Gateway, tmp_path: Path
) -> None:
    key = await gate.member()
    address, place = store(tmp_path)
    changed, short, missing = [await archived(gate, key, f"wave {n}") for n in range(3)]
    content = file_of(gate, changed).read_bytes()
    file_of(gate, changed).write_bytes(bytes(len(content)))
    file_of(gate, short).write_bytes(content[:10])
    file_of(gate, missing).unlink()
    await gate.stop_workers()
    report = await verify.move(gate.rt, to=address, delete_source=True, actor="test")
    assert dict(report.counts) == {Verdict.CHANGED: 2, Verdict.MISSING: 1}
    assert files_in(place) == []
    assert file_of(gate, changed).exists()
    assert file_of(gate, short).exists()


async def test_the_source_is_emptied_only_on_demand_and_only_while_nobody_works(
    gate: Gateway, tmp_path: Path
) -> None:
    key = await gate.member()
    address, place = store(tmp_path)
    generation = await archived(gate, key)
    with pytest.raises(InvalidRequest, match="A worker still uses that store"):
        await verify.move(gate.rt, to=address, delete_source=True, actor="test")
    assert files_in(place) == []
    await gate.stop_workers()
    await verify.move(gate.rt, to=address, actor="test")
    assert file_of(gate, generation).exists()
    report = await verify.move(gate.rt, to=address, delete_source=True, actor="test")
    assert dict(report.counts) == {Verdict.PRESENT: 1}
    assert not file_of(gate, generation).exists()
    assert files_in(place) == [path_of(generation)]


async def test_the_old_store_is_emptied_beside_a_gateway_that_has_moved(
    gate: Gateway, tmp_path: Path
) -> None:
    old, place = store(tmp_path, "old")
    generation = await archived(gate, await gate.member())
    content = file_of(gate, generation).read_bytes()
    (place / path_of(generation)).parent.mkdir(parents=True)
    (place / path_of(generation)).write_bytes(content)
    file_of(gate, generation).unlink()
    here = gate.rt.settings.archive_address
    report = await verify.move(gate.rt, source=old, to=here, delete_source=True, actor="test")
    assert dict(report.counts) == {Verdict.COPIED: 1}
    assert file_of(gate, generation).read_bytes() == content
    assert files_in(place) == []


async def test_a_video_that_is_deleted_between_two_runs_is_taken_back_from_the_copy(
    gate: Gateway, tmp_path: Path
) -> None:
    key = await gate.member()
    address, place = store(tmp_path)
    generation = await archived(gate, key)
    await verify.move(gate.rt, to=address, actor="test")
    (place / "notes.txt").write_bytes(b"somebody's")
    assert (await delete(gate, key, generation.id)).status_code == 204
    assert await row_of(gate, generation.id) == ("deleted", None)
    await verify.move(gate.rt, to=address, actor="test")
    assert files_in(place) == ["notes.txt"]


async def test_a_store_is_not_moved_onto_itself(gate: Gateway, tmp_path: Path) -> None:
    generation = await archived(gate, await gate.member())
    await gate.stop_workers()
    (tmp_path / "alias").symlink_to(gate.rt.settings.data_dir / "archive")
    with pytest.raises(InvalidRequest, match="same store"):
        await verify.move(
            gate.rt, to=(tmp_path / "alias").as_uri(), delete_source=True, actor="test"
        )
    assert file_of(gate, generation).exists()
    assert len(files_in(gate.rt.settings.data_dir / "archive")) == 1


@pytest.mark.parametrize("address", ["relative/path", "ftp://host/x", "s3://k:s@bucket/x"])
async def test_an_address_that_is_none_is_refused(still_gate: Gateway, address: str) -> None:
    with pytest.raises(InvalidRequest):
        await verify.move(still_gate.rt, to=address, actor="test")


async def test_the_command_moves_while_the_gateway_runs(gate: Gateway, tmp_path: Path) -> None:
    key = await gate.member()
    address, place = store(tmp_path)
    generation = await archived(gate, key)
    code, said = await reelgate(gate, "archive", "move", "--to", address)
    assert code == 0, said
    assert "1 copied, 0 present, 0 missing, 0 changed, 0 unwritten" in said
    moved = {"REELGATE_ARCHIVE_URL": address}
    code, said = await reelgate(gate, "archive", "verify", settings=moved)
    assert code == 0, said
    assert files_in(place) == [path_of(generation)]
    code, said = await reelgate(gate, "archive", "move", "--to", address, "--delete-source")
    assert code == 1
    assert "A worker still uses that store" in said
