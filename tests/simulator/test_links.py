"""Signed links and the files behind them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.simulator.app import create_simulator
from app.simulator.config import SimulatorConfig
from tests.simulator.conftest import FAST, Client, WallClock, body, serving

WEEK = 604_800


async def link_of(client: Client, clock: WallClock | None = None) -> str:
    record = await client.submit(held=clock is None, aspectRatio="1:1")
    if clock is not None:
        clock.at += 20
        record = await client.result(record["uuid"])
    link = record["temporaryUrl"]
    assert isinstance(link, str)
    return link


async def test_a_link_looks_like_one_of_s3(still: Client, clock: WallClock) -> None:
    parts = urlsplit(await link_of(still, clock))
    assert (parts.scheme, parts.netloc) == ("http", "simulator")
    assert parts.path.startswith("/asset.1min.ai/development/videos/2025_11_26_08_29_")
    query = parse_qs(parts.query)
    assert query["X-Amz-Expires"] == [str(WEEK)]
    assert query["X-Amz-Date"] == ["20251126T082925Z"]
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert len(query["X-Amz-Signature"][0]) == 64


async def test_links_use_the_public_address(tmp_path: Path, clock: WallClock) -> None:
    config = SimulatorConfig(data_dir=tmp_path, public_url="http://127.0.0.1:8090/")
    app = create_simulator(config, now=clock)
    transport, headers = httpx.ASGITransport(app), {"API-KEY": "k"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://other", headers=headers
    ) as http:
        link = await link_of(Client(http), clock)
    app.state.simulator.close()
    assert link.startswith("http://127.0.0.1:8090/asset.1min.ai/")


async def test_a_link_lasts_a_week_and_every_look_up_gives_a_new_one(
    still: Client, clock: WallClock
) -> None:
    record = await still.submit()
    clock.at += 20
    first = (await still.result(record["uuid"]))["temporaryUrl"]
    clock.at += WEEK - 2
    assert (await still.http.head(first)).status_code == 200
    second = (await still.result(record["uuid"]))["temporaryUrl"]
    clock.at += 3
    expired = await still.http.get(first)
    assert expired.status_code == 403
    assert expired.headers["content-type"] == "application/xml"
    assert "<Code>AccessDenied</Code>" in expired.text
    assert (await still.http.head(second)).status_code == 200


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("X-Amz-Expires=604800", "X-Amz-Expires=999999999", "SignatureDoesNotMatch"),
        ("X-Amz-Signature=", "X-Amz-Signature=0", "SignatureDoesNotMatch"),
        ("/videos/", "/videos/x", "SignatureDoesNotMatch"),
        ("X-Amz-Signature=", "Signature=", "AccessDenied"),
    ],
)
async def test_a_modified_link_is_refused(
    still: Client, clock: WallClock, old: str, new: str, code: str
) -> None:
    refused = await still.http.get((await link_of(still, clock)).replace(old, new, 1))
    assert refused.status_code == 403
    assert f"<Code>{code}</Code>" in refused.text
    assert (await still.summary())["outcomes"]["download"] == {"refused:signature": 1}


async def test_a_link_of_another_simulator_is_refused(
    tmp_path: Path, still: Client, clock: WallClock
) -> None:
    link = await link_of(still, clock)
    app = create_simulator(SimulatorConfig(data_dir=tmp_path / "other"), now=clock)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        assert (await http.get(link)).status_code == 403
    app.state.simulator.close()


async def test_get_head_and_range_requests(live: Client) -> None:
    link = await link_of(live)
    whole = await live.http.get(link)
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["accept-ranges"] == "bytes"
    assert int(whole.headers["content-length"]) == len(whole.content)
    head = await live.http.head(link)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]
    for requested, wanted in (
        ("bytes=0-99", whole.content[:100]),
        ("bytes=1000-", whole.content[1000:]),
        ("bytes=-50", whole.content[-50:]),
    ):
        part = await live.http.get(
            link, headers={"Range": requested, "If-Range": whole.headers["etag"]}
        )
        assert part.status_code == 206
        assert part.content == wanted
        assert part.headers["content-range"].endswith(f"/{len(whole.content)}")
    beyond = await live.http.get(link, headers={"Range": "bytes=99999999-"})
    assert beyond.status_code == 416


async def test_a_video_is_rendered_once(live: Client, tmp_path: Path) -> None:
    link = await link_of(live)
    answers = await asyncio.gather(*(live.http.get(link) for _ in range(3)))
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["etag"] for answer in answers}) == 1
    assert len({answer.headers["last-modified"] for answer in answers}) == 1
    names = [
        path.suffix for path in await asyncio.to_thread(lambda: list(tmp_path.glob("renders/*")))
    ]
    assert names == [".mp4"]


async def test_one_video_can_serve_all_records(tmp_path: Path) -> None:
    config = SimulatorConfig(data_dir=tmp_path, speed=FAST, one_video_for_all=True)
    async with serving(config) as client:
        answers = [await client.http.get(await link_of(client)) for _ in range(2)]
        other = await client.submit("a fish", held=True, aspectRatio="1:1", loop=True)
        answers.append(await client.http.get(other["temporaryUrl"]))
    assert answers[0].content == answers[1].content
    assert answers[0].headers["etag"] != answers[1].headers["etag"]
    assert answers[2].content != answers[0].content


async def test_a_video_cannot_be_downloaded_early(still: Client, clock: WallClock) -> None:
    """Its key is secret until then, and useless to anyone who guesses it."""
    link = await link_of(still, clock)
    clock.at -= 20
    answer = await still.http.get(link)
    assert answer.status_code == 404
    assert "<Code>NoSuchKey</Code>" in answer.text


async def test_links_need_no_api_key(live: Client) -> None:
    link = await link_of(live)
    async with httpx.AsyncClient(trust_env=False, timeout=120) as anonymous:
        assert (await anonymous.head(link)).status_code == 200
        assert (await anonymous.post(link, json=body())).status_code == 405
