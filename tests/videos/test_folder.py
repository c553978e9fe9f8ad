"""Writing into the archive's folder: in what order things reach the disk, and what is not asked."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.videos.folder import FileWriter, Folder
from app.videos.store import Archive, ArchiveUnavailable
from tests.videos.test_store import PATH, names, stream

DAY = "videos/2026/11/30"


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What is flushed to disk, in order, with what the folder of `PATH` holds by then."""
    flush, found = os.fsync, list[str]()

    def sync(descriptor: int) -> None:
        target = Path(f"/proc/self/fd/{descriptor}").readlink()
        found.append(f"{target.relative_to(tmp_path)}: {' '.join(names(tmp_path))}")
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    return found


async def test_a_file_is_on_disk_before_it_has_its_name_and_its_folders_after(
    tmp_path: Path, synced: list[str]
) -> None:
    archive = Archive.open(tmp_path.as_uri())
    path = f"{DAY}/a.mp4"
    await archive.write(path, stream([b"x"]), max_bytes=1)
    assert synced == [
        f"{path}#1: {path}#1",
        *(f"{folder}: {path}" for folder in (DAY, "videos/2026/11", "videos/2026", "videos", ".")),
    ]
    synced.clear()
    other = f"{DAY}/b.mp4"
    await archive.write(other, stream([b"x"]), max_bytes=1)
    assert synced == [f"{other}#1: {path} {other}#1", f"{DAY}: {path} {other}"]


async def test_folders_that_were_removed_are_made_and_flushed_again(
    tmp_path: Path, synced: list[str]
) -> None:
    archive = Archive.open(tmp_path.as_uri())
    await archive.write(PATH, stream([b"x"]), max_bytes=1)
    await archive.delete(PATH)
    (tmp_path / PATH).parent.rmdir()
    synced.clear()
    await archive.write(PATH, stream([b"x"]), max_bytes=1)
    assert [line.partition(":")[0] for line in synced] == [f"{PATH}#1", "6f", "."]


async def test_a_write_does_not_look_at_the_other_files_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There may be many thousands."""

    def listed(*_: object) -> None:
        raise AssertionError

    for name in ("listdir", "scandir"):
        monkeypatch.setattr(os, name, listed)
    await Archive.open(tmp_path.as_uri()).write(PATH, stream([b"x"]), max_bytes=1)
    assert (tmp_path / PATH).read_bytes() == b"x"


async def test_a_disk_that_is_full_is_said_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, calls = os.write, 0

    def full(descriptor: int, block: memoryview) -> int:
        nonlocal calls
        calls += 1
        if calls == 1:  # a disk takes what it can
            return write(descriptor, block[:3])
        raise OSError(28, "No space left on device", "/secret")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(ArchiveUnavailable, match=r"could not write: No space left on device$"):
            await Archive.open(tmp_path.as_uri()).write(PATH, stream([b"12345"]), max_bytes=9)
    assert (calls, names(tmp_path)) == (2, [])


async def test_a_write_that_was_abandoned_in_its_thread_ends_before_its_file_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise it would write into whatever gets the number of its descriptor."""
    loop, entered, go = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    write, written = os.write, list[str]()

    def slow(descriptor: int, block: memoryview) -> int:
        loop.call_soon_threadsafe(entered.set)
        assert go.wait(60)
        written.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        return write(descriptor, block)

    async def one() -> AsyncIterator[bytes]:
        yield b"x"

    monkeypatch.setattr(os, "write", slow)
    archive = Archive.open(tmp_path.as_uri())
    writing = asyncio.create_task(archive.write(PATH, one(), max_bytes=1))
    await entered.wait()
    writing.cancel()
    await asyncio.sleep(0)
    assert not writing.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert written == ["video.mp4#1"]
    assert names(tmp_path) == []


def test_what_is_called_too_late_does_nothing(tmp_path: Path) -> None:
    writer = FileWriter(Folder(tmp_path), tmp_path / "a")
    writer.write(b"x")
    assert writer.finish() == hashlib.sha256(b"x").hexdigest()
    writer.write(b"y")
    writer.discard()
    assert (tmp_path / "a").read_bytes() == b"x"
    discarded = FileWriter(Folder(tmp_path), tmp_path / "b")
    discarded.discard()
    discarded.write(b"x")
    assert names(tmp_path) == ["a"]
