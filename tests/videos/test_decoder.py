"""Reading files from outside: what a hostile one can do to the process that reads it, and what it
cannot do to anything else."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import uvloop
from PIL import Image

from app.videos import decoder as module
from app.videos.decoder import Decoder, DecoderEnded, DecoderUnavailable, Picture
from app.videos.mp4 import NotAVideo
from tests.harness.films import film, probed
from tests.harness.poison import PROGRAM, poisoned
from tests.harness.processes import until


@pytest.fixture
async def decoder() -> AsyncIterator[Decoder]:
    made = Decoder()
    yield made
    await made.close()


@pytest.fixture
async def poisonable() -> AsyncIterator[Decoder]:
    made = Decoder(program=PROGRAM)
    yield made
    await made.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("film") / "v.mp4", audio=True)


@pytest.fixture
def poison(tmp_path: Path, whole: Path) -> Any:
    def make(deed: str) -> Path:
        path = tmp_path / "poison.mp4"
        path.write_bytes(poisoned(whole.read_bytes(), deed))
        return path

    return make


async def test_a_film_is_described_and_pictured(decoder: Decoder, whole: Path) -> None:
    assert await decoder.probe(whole) == probed(whole)
    thumbnail = Image.open(BytesIO(await decoder.picture(whole, Picture.THUMBNAIL)))
    assert (thumbnail.format, thumbnail.size) == ("WEBP", (320, 180))
    sheet = Image.open(BytesIO(await decoder.picture(whole, Picture.SPRITESHEET)))
    assert (sheet.format, sheet.size) == ("JPEG", (1600, 360))


@pytest.mark.parametrize("encoder", ["mpeg4", "libx265", "libvpx-vp9", "libsvtav1"])
async def test_every_codec_works_within_the_limits(
    decoder: Decoder, tmp_path: Path, encoder: str
) -> None:
    path = film(tmp_path / "v.mp4", codec=encoder, frames=3)
    assert (await decoder.probe(path)).width == 320
    assert await decoder.picture(path, Picture.THUMBNAIL)


async def test_a_refusal_and_a_missing_file_are_told_apart(
    decoder: Decoder, tmp_path: Path
) -> None:
    path = tmp_path / "v.mp4"
    with pytest.raises(FileNotFoundError):
        await decoder.probe(path)
    path.write_bytes(b"<!DOCTYPE html>")
    for read in (decoder.probe(path), decoder.picture(path, Picture.THUMBNAIL)):
        with pytest.raises(NotAVideo, match="it is not an MP4 file"):
            await read


@pytest.mark.parametrize("deed", ["kill", "abort", "spin", "sleep"])
async def test_a_file_ends_its_own_process_and_nothing_else(
    poisonable: Decoder, whole: Path, poison: Any, deed: str
) -> None:
    path = poison(deed)

    async def hurt() -> None:
        with pytest.raises(DecoderEnded):
            await poisonable.probe(path)

    async def others() -> None:
        for _ in range(5):
            assert (await poisonable.probe(whole)).width == 320

    await asyncio.gather(hurt(), others())
    with pytest.raises(DecoderEnded):
        await poisonable.picture(path, Picture.THUMBNAIL)
    assert (await poisonable.probe(whole)).width == 320


async def test_a_file_has_only_so_much_memory(poisonable: Decoder, poison: Any) -> None:
    with pytest.raises(NotAVideo, match="it needs too much memory"):
        await poisonable.probe(poison("swell"))


async def test_a_file_has_no_way_out(poisonable: Decoder, poison: Any) -> None:
    with pytest.raises(NotAVideo, match="it can nothing"):
        await poisonable.probe(poison("look around"))


async def test_what_clings_to_its_process_is_ended_with_it(
    poisonable: Decoder, whole: Path, poison: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await poisonable.probe(whole)).width == 320
    server = _server(poisonable)
    with monkeypatch.context() as hasty:
        hasty.setattr(module, "ANSWER_SECONDS", 0.5)
        with pytest.raises(DecoderEnded, match="in its time"):
            await poisonable.probe(poison("cling"))
    assert not _lives(server)
    assert (await poisonable.probe(whole)).width == 320


PROBE = {
    "duration_seconds": 1.25, "width": 320, "height": 180, "codec": "h264", "frame_rate": 24.0,
    "has_audio": True,
}  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        "",
        "{",
        "[" * 100_000,
        "[]",
        "{}",
        '{"probe": null}',
        '{"picture": "UklGRg=="}',
        *(
            json.dumps({"probe": PROBE | changed})
            for changed in (
                {"width": 0},
                {"height": -1},
                {"width": 10**9},
                {"width": "320"},
                {"duration_seconds": float("nan")},
                {"duration_seconds": 1e9},
                {"codec": "https://evil.example/"},
                {"frame_rate": float("inf")},
                {"has_audio": 2},
            )
        ),
        json.dumps({"probe": {k: v for k, v in PROBE.items() if k != "codec"}}),
    ],
)
async def test_an_answer_is_not_believed_blindly(
    poisonable: Decoder, poison: Any, said: str
) -> None:
    with pytest.raises(DecoderEnded):
        await poisonable.probe(poison(f"say={said}"))


async def test_an_answer_that_is_right_is_believed(
    poisonable: Decoder, whole: Path, poison: Any
) -> None:
    assert asdict(await poisonable.probe(poison(f"say={json.dumps({'probe': PROBE})}"))) == PROBE
    for said in ('{"picture": "!!!!"}', '{"picture": "PGh0bWw+"}', '{"probe": {}}'):
        with pytest.raises(DecoderEnded, match="not a picture"):
            await poisonable.picture(poison(f"say={said}"), Picture.THUMBNAIL)
    with pytest.raises(NotAVideo, match=r"^it cannot be read$"):
        await poisonable.probe(poison(f"say={json.dumps({'refused': 'x' * 1000})}"))
    with pytest.raises(OSError, match="cannot be read"):
        await poisonable.probe(poison('say={"unreadable": 5}'))


async def test_a_process_that_was_ended_is_started_again(decoder: Decoder, whole: Path) -> None:
    assert (await decoder.probe(whole)).width == 320
    first = _server(decoder)
    os.kill(first, signal.SIGKILL)
    await asyncio.to_thread(until, lambda: not _lives(first), "the process is gone")
    assert (await decoder.probe(whole)).width == 320
    assert _server(decoder) != first


async def test_a_process_that_does_not_start_says_nothing_of_the_file(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    decoder = Decoder()
    with pytest.raises(DecoderUnavailable):
        await decoder.probe(whole)
    await decoder.close()


async def test_its_processes_end_with_it(whole: Path, poison: Any) -> None:
    decoder = Decoder()
    await decoder.close()
    decoder = Decoder(program=PROGRAM)
    await decoder.probe(whole)
    server = _server(decoder)
    reading = asyncio.create_task(decoder.probe(poison("wait")))
    [fork] = await asyncio.to_thread(until, lambda: _children(server), "the file is read")
    await decoder.close()
    assert not _lives(server)
    await asyncio.to_thread(until, lambda: not _lives(fork), "the fork is gone")
    with pytest.raises(DecoderEnded):
        await reading


def test_no_descriptor_is_closed_twice(tmp_path: Path) -> None:
    """The second time it could be one that another thread has just been given, such as that of a
    video which is being archived."""
    ended, lost = threading.Event(), list[OSError]()

    def open_and_close() -> None:
        name = tmp_path / str(threading.get_ident())
        while not ended.is_set():
            try:
                descriptor = os.open(name, os.O_WRONLY | os.O_CREAT)
                for _ in range(3):
                    os.write(descriptor, b"x")
                os.close(descriptor)
            except OSError as error:
                lost.append(error)

    async def read() -> None:
        for _ in range(5_000):
            reading, writing = os.pipe()
            os.write(writing, b"{}")
            os.close(writing)
            assert await module._read(reading) == b"{}"

    threads = [threading.Thread(target=open_and_close) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        uvloop.run(read())
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert lost == []


PARENT = """
import asyncio, sys
from pathlib import Path
from app.videos.decoder import Decoder

async def main():
    decoder = Decoder()
    await decoder.probe(Path(sys.argv[1]))
    print(decoder._server._process.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def test_its_process_ends_with_one_that_was_killed(whole: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(whole)], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        server = int(parent.stdout.readline())
        assert _lives(server)
        parent.kill()
    until(lambda: not _lives(server), "the process is gone")


def _server(decoder: Decoder) -> int:
    """The process that reads for it."""
    assert decoder._server is not None
    return decoder._server._process.pid


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


def _lives(pid: int) -> bool:
    """Whether a process is there that is more than a name nobody has asked after."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
