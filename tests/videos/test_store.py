"""The archive over a folder and over a store that is no folder."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from app.domain.assets import Stored
from app.errors import ConfigurationError
from app.videos import store as module
from app.videos.store import (
    BLOCK_BYTES,
    PART_BYTES,
    Archive,
    ArchiveUnavailable,
    Empty,
    Gone,
    TooLarge,
)

PATH = "6f/video.mp4"
ROOMY = 1 << 30


@pytest.fixture(params=["file", "memory"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    return Archive.open((tmp_path / "a b").as_uri() if request.param == "file" else "memory://")


@pytest.fixture
def folder(tmp_path: Path) -> Archive:
    return Archive.open(tmp_path.as_uri())


async def stream(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def content(archive: Archive, start: int, end: int, path: str = PATH) -> bytes:
    return b"".join([block async for block in archive.read(path, start, end)])


def names(root: Path) -> list[str]:
    return sorted(str(found.relative_to(root)) for found in root.rglob("*") if found.is_file())


def pieces(data: bytes, *, seed: int) -> list[bytes]:
    """`data` cut at random places, empty pieces among them."""
    rng = random.Random(seed)
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(40))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@pytest.mark.parametrize("length", [1, BLOCK_BYTES, PART_BYTES, 2 * PART_BYTES + 12_345])
async def test_what_is_written_is_read_back(archive: Archive, length: int) -> None:
    data = random.Random(length).randbytes(length)
    stored = await archive.write(PATH, stream(pieces(data, seed=length)), max_bytes=length)
    assert stored == Stored(PATH, length, hashlib.sha256(data).hexdigest())
    assert await archive.size(PATH) == length
    assert await archive.sha256(PATH) == stored.sha256
    for start, end in ((0, length), (length // 3, length // 2 + 1), (length - 1, length), (0, 0)):
        assert await content(archive, start, end) == data[start:end]


async def test_reads_come_in_small_blocks(archive: Archive) -> None:
    await archive.write(PATH, stream([bytes(3 * BLOCK_BYTES)]), max_bytes=ROOMY)
    sizes = [len(block) async for block in archive.read(PATH, 1, 3 * BLOCK_BYTES)]
    assert sizes == [BLOCK_BYTES, BLOCK_BYTES, BLOCK_BYTES - 1]


@pytest.mark.parametrize("before", [b"", b"the version before"])
@pytest.mark.parametrize("length", [101, 3 * PART_BYTES])
async def test_too_large_changes_nothing(archive: Archive, length: int, before: bytes) -> None:
    if before:
        await archive.write(PATH, stream([before]), max_bytes=ROOMY)
    with pytest.raises(TooLarge, match="larger than 100 bytes"):
        await archive.write(PATH, stream(pieces(bytes(length), seed=1)), max_bytes=100)
    assert await archive.size(PATH) == (len(before) if before else None)


@pytest.mark.parametrize("chunks", [[], [b"", b""]])
async def test_an_empty_stream_is_refused(archive: Archive, chunks: list[bytes]) -> None:
    with pytest.raises(Empty):
        await archive.write(PATH, stream(chunks), max_bytes=ROOMY)
    assert await archive.size(PATH) is None


async def test_a_stream_that_fails_leaves_nothing(folder: Archive, tmp_path: Path) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield bytes(3 * PART_BYTES)
        assert names(tmp_path) == [f"{PATH}#1"]
        raise ConnectionResetError("the link broke")

    with pytest.raises(ConnectionResetError, match="the link broke"):
        await folder.write(PATH, failing(), max_bytes=ROOMY)
    assert names(tmp_path) == []


async def test_a_canceled_write_leaves_nothing(folder: Archive, tmp_path: Path) -> None:
    stalled = asyncio.Event()

    async def stalling() -> AsyncIterator[bytes]:
        yield bytes(3 * PART_BYTES)
        stalled.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(folder.write(PATH, stalling(), max_bytes=ROOMY))
    await stalled.wait()
    assert names(tmp_path) == [f"{PATH}#1"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert names(tmp_path) == []


KILLED = """
import asyncio, sys
from app.videos.store import PART_BYTES, Archive

async def endless():
    for _ in range(3):
        yield bytes(PART_BYTES)
    print("half way", flush=True)
    await asyncio.Event().wait()
    yield b""

asyncio.run(Archive.open(sys.argv[1]).write("6f/video.mp4", endless(), max_bytes=1 << 40))
"""


async def test_a_killed_process_leaves_no_half_file(folder: Archive, tmp_path: Path) -> None:
    with subprocess.Popen(  # noqa: ASYNC220 -- nothing else runs on this loop
        [sys.executable, "-c", KILLED, tmp_path.as_uri()], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"half way\n"
        process.kill()
    assert names(tmp_path) == [f"{PATH}#1"]
    assert await folder.size(PATH) is None
    with pytest.raises(Gone):
        await content(folder, 0, 1)

    # The next writer succeeds beside it, and clears it away once it is surely nobody's.
    await folder.write(PATH, stream([b"whole"]), max_bytes=ROOMY)
    assert names(tmp_path) == [PATH, f"{PATH}#1"]
    os.utime(tmp_path / f"{PATH}#1", (0, 0))
    await folder.write(PATH, stream([b"whole"]), max_bytes=ROOMY)
    assert names(tmp_path) == [PATH]


async def test_nothing_is_visible_before_the_end(folder: Archive) -> None:
    seen: list[int | None] = []

    async def watching() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield bytes(PART_BYTES)
            seen.append(await folder.size(PATH))

    await folder.write(PATH, watching(), max_bytes=ROOMY)
    assert seen == [None] * 4
    assert await folder.size(PATH) == 4 * PART_BYTES


async def test_a_missing_file_is_gone(archive: Archive) -> None:
    with pytest.raises(Gone, match=PATH):
        await content(archive, 0, 1)
    with pytest.raises(Gone, match=PATH):
        await archive.sha256(PATH)
    with pytest.raises(Gone, match=PATH):
        async with archive.as_file(PATH):
            pass
    assert await archive.size(PATH) is None


async def test_a_file_shorter_than_recorded_is_an_error(archive: Archive) -> None:
    await archive.write(PATH, stream([b"0123456789"]), max_bytes=ROOMY)
    with pytest.raises(ArchiveUnavailable, match="shorter than recorded"):
        await content(archive, 5, 11)
    with pytest.raises(ArchiveUnavailable):
        await content(archive, 10, 11)


async def test_delete_removes_and_may_be_repeated(archive: Archive) -> None:
    await archive.write(PATH, stream([b"x"]), max_bytes=ROOMY)
    await archive.delete(PATH)
    assert await archive.size(PATH) is None
    await archive.delete(PATH)


async def test_delete_clears_what_a_killed_writer_left(folder: Archive, tmp_path: Path) -> None:
    await folder.write(PATH, stream([b"x"]), max_bytes=ROOMY)
    (tmp_path / f"{PATH}#7").write_bytes(b"half")
    (tmp_path / "6f" / "video.mp4#notes").write_bytes(b"not ours")
    await folder.delete(PATH)
    assert names(tmp_path) == ["6f/video.mp4#notes"]


@pytest.mark.parametrize("another", [True, False])
async def test_a_folder_that_goes_away_while_it_is_listed_is_no_empty_one(
    tmp_path: Path, another: bool
) -> None:
    root = tmp_path / "archive"
    archive = Archive.open(root.as_uri())
    await archive.write(PATH, stream([b"x"]), max_bytes=ROOMY)
    pages = archive.paths()
    assert await anext(pages) == [PATH]
    root.rename(tmp_path / "away")
    if another:
        root.mkdir()
    with pytest.raises(ArchiveUnavailable):
        await anext(pages)
    if not another:
        with pytest.raises(ArchiveUnavailable):
            await anext(archive.paths())


async def test_as_file_is_the_file_itself_in_a_folder(folder: Archive, tmp_path: Path) -> None:
    await folder.write(PATH, stream([b"video"]), max_bytes=ROOMY)
    async with folder.as_file(PATH) as path:
        assert path == tmp_path / PATH
    assert path.read_bytes() == b"video"


async def test_as_file_is_a_passing_copy_elsewhere() -> None:
    archive = Archive.open("memory://")
    data = random.Random(5).randbytes(2 * BLOCK_BYTES + 5)
    await archive.write(PATH, stream([data]), max_bytes=ROOMY)
    assert archive.local_path(PATH) is None
    async with archive.as_file(PATH) as path:
        assert path.read_bytes() == data
        assert path.suffix == ".mp4"
    assert not path.exists()


@pytest.mark.parametrize("path", ["", "/etc/x", "a//b", "../x", "a/../x", "a/.", "a#1", "a\0b"])
async def test_a_path_stays_inside(archive: Archive, path: str) -> None:
    with pytest.raises(ValueError, match="not a path of the archive"):
        await archive.write(path, stream([b"x"]), max_bytes=ROOMY)
    with pytest.raises(ValueError, match="not a path of the archive"):
        await content(archive, 0, 1, path)
    with pytest.raises(ValueError, match="not a path of the archive"):
        await archive.delete(path)


async def test_check_passes_and_leaves_nothing(folder: Archive, tmp_path: Path) -> None:
    await folder.check()
    assert names(tmp_path) == []


async def test_check_passes_without_a_folder() -> None:
    await Archive.open("memory://").check()


async def test_check_names_the_reason(tmp_path: Path) -> None:
    archive = Archive.open((tmp_path / "here").as_uri())
    (tmp_path / "here").rmdir()
    (tmp_path / "here").write_bytes(b"a file where the folder was")
    with pytest.raises(ArchiveUnavailable, match="could not write: Not a directory"):
        await archive.check()


async def test_an_unreachable_bucket_is_told_without_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASECRET")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "verysecret")
    with pytest.raises(ArchiveUnavailable) as caught:
        await Archive.open("s3://bucket/prefix").check()
    assert str(caught.value) == "the archive could not write: no connection"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


async def test_check_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that takes connections, as the kernel does by itself, and never answers."""
    silent = socket.create_server(("127.0.0.1", 0))
    port = silent.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(module, "CHECK_SECONDS", 0.2)
    with silent, pytest.raises(ArchiveUnavailable, match=r"did not answer within 0\.2 seconds"):
        await Archive.open("s3://bucket/prefix").check()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "must be file:///path"),
        ("videos", "must be file:///path"),
        ("ftp://host/path", "must be file:///path"),
        ("https://bucket.s3.amazonaws.com/x", "must be file:///path"),
        ("s3:///prefix", "must be file:///path"),
        ("file:///", "file:///absolute/path"),
        ("file://host/path", "file:///absolute/path"),
        ("file:relative", "file:///absolute/path"),
        ("file:///dev/null/archive", "Not a directory"),
        ("s3://AKIA:hush@bucket/prefix", "credentials come from the environment"),
        ("s3://bucket/prefix?token=hush", "credentials come from the environment"),
        ("az://container/prefix", "AZURE_STORAGE_ACCOUNT_NAME"),
    ],
)
def test_an_unusable_address_is_one_sentence(
    url: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(ConfigurationError, match=says) as caught:
        Archive.open(url)
    assert str(caught.value).endswith(".")
    assert "hush" not in str(caught.value)


def test_open_makes_the_folder_and_unescapes_it(tmp_path: Path) -> None:
    archive = Archive.open(tmp_path.as_uri() + "/a%20b/c")
    assert (tmp_path / "a b" / "c").is_dir()
    assert archive.local_path("x.mp4") == tmp_path / "a b" / "c" / "x.mp4"


@pytest.mark.parametrize("url", ["s3://bucket/prefix", "gs://bucket", "memory://"])
def test_open_makes_no_request(url: str) -> None:
    assert Archive.open(url).local_path("x") is None


async def test_hashing_and_syncing_leave_the_loop_alone(
    folder: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[int] = set()

    class Digest:
        def update(self, block: bytes) -> None:
            threads.add(threading.get_ident())

        def hexdigest(self) -> str:
            return "digest"

    def sync(descriptor: int) -> None:
        threads.add(threading.get_ident())

    monkeypatch.setattr(hashlib, "sha256", Digest)
    monkeypatch.setattr(os, "fsync", sync)
    stored = await folder.write(PATH, stream([bytes(BLOCK_BYTES)]), max_bytes=ROOMY)
    assert stored.sha256 == await folder.sha256(PATH) == "digest"
    assert threads
    assert threading.get_ident() not in threads
