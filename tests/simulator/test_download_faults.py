"""Faults of the download behind a signed link."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from tests.simulator.conftest import Client

MIN_VIDEO_BYTES = 30_000


async def link_of(live: Client, name: str, **options: Any) -> str:
    record = await live.submit(held=True, aspectRatio="1:1")
    await live.fault(name, **options)
    link = record["temporaryUrl"]
    assert isinstance(link, str)
    return link


@pytest.mark.parametrize(
    ("status", "code"), [(403, "<Code>AccessDenied</Code>"), (404, "<Code>NoSuchKey</Code>")]
)
async def test_link_gone(live: Client, status: int, code: str) -> None:
    answer = await live.http.get(await link_of(live, "link_gone", status=status))
    assert answer.status_code == status
    assert code in answer.text


@pytest.mark.parametrize("name", ["download_truncated", "download_reset_midway"])
async def test_the_connection_breaks_halfway(live: Client, name: str) -> None:
    link = await link_of(live, name)
    pieces: list[bytes] = []

    async def read() -> None:
        async with live.http.stream("GET", link) as answer:
            async for piece in answer.aiter_raw():
                pieces.append(piece)

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await read()
    declared = len((await live.http.get(link)).content)  # the rule applied once
    assert declared > MIN_VIDEO_BYTES
    assert sum(map(len, pieces)) <= declared // 2


async def test_half_a_file_with_a_matching_length(live: Client) -> None:
    link = await link_of(live, "download_truncated", declared="short")
    half, whole = await live.http.get(link), await live.http.get(link)
    assert half.status_code == 200
    assert half.content == whole.content[: len(whole.content) // 2]


async def test_endless(live: Client) -> None:
    link = await link_of(live, "download_endless")
    got = 0
    async with live.http.stream("GET", link) as answer:
        assert "content-length" not in answer.headers
        async for piece in answer.aiter_raw():
            got += len(piece)
            if got > 20_000_000:
                break
    assert got > 20_000_000
    assert (await live.http.head(link)).status_code == 200  # the server still works


async def test_endless_ends_at_max_bytes(live: Client) -> None:
    link = await link_of(live, "download_endless", max_bytes=1_000_000)
    content = (await live.http.get(link)).content
    assert 1_000_000 <= len(content) < 1_100_000
    assert content[4:12] == b"ftypisom"


@pytest.mark.parametrize("name", ["download_not_mp4", "download_empty"])
async def test_not_a_video(live: Client, name: str) -> None:
    answer = await live.http.get(await link_of(live, name))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
    assert b"ftyp" not in answer.content


async def test_a_video_of_another_shape_and_duration(live: Client) -> None:
    answer = await live.http.get(await link_of(live, "download_mismatch"))
    with av.open(io.BytesIO(answer.content), "r") as container:
        assert container.streams.video[0].width == 1280
        assert container.duration == 10_000_000


async def test_redirect(live: Client) -> None:
    link = await link_of(live, "download_redirect", status=307, location="http://127.0.0.1:1/x")
    answer = await live.http.get(link)
    assert (answer.status_code, answer.headers["location"]) == (307, "http://127.0.0.1:1/x")


async def test_slow(live: Client) -> None:
    link = await link_of(live, "download_slow", seconds=0.2)
    async with live.http.stream("GET", link) as answer:
        pieces = [piece async for piece in answer.aiter_raw()]
    assert len(pieces) > 10
    assert sum(map(len, pieces)) == int(answer.headers["content-length"])


async def test_faults_that_need_no_file_render_none(live: Client, tmp_path: Path) -> None:
    link = await link_of(live, "http_503", match={"path": "download"})
    assert (await live.http.get(link)).status_code == 503
    await live.fault("reset_before", {"path": "download"})
    with pytest.raises(httpx.ReadError):
        await live.http.get(link)
    await live.fault("hang", {"path": "download"}, seconds=0.05)
    with pytest.raises(httpx.RemoteProtocolError):
        await live.http.get(link)
    assert not (tmp_path / "renders").exists()
