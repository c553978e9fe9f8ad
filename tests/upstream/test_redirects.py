"""Redirects are followed by hand, and each hop is checked like the first."""

from __future__ import annotations

import httpx
import pytest

from app.fetch import FetchPolicy, Refused
from tests.upstream.fetching import (
    ANY_HOST,
    HOST,
    PUBLIC,
    VIDEOS,
    Recorder,
    fetched,
    fetching,
    resolving,
)


def redirect(location: str | bytes, status: int = 302) -> httpx.Response:
    raw = location if isinstance(location, bytes) else location.encode()
    return httpx.Response(status, headers=[(b"Location", raw)])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_followed_to_an_allowed_host(status: int) -> None:
    recorder = Recorder(redirect("https://asset.1min.ai/other.mp4?s=2", status))
    async with fetching(VIDEOS, recorder) as fetcher:
        body = await fetched(
            fetcher,
            f"https://{HOST}/v.mp4",
            headers={"Range": "bytes=0-", "Authorization": "for the first host only"},
        )
    assert body == b"video"
    first, second = recorder.requests
    assert second.headers["host"] == "asset.1min.ai"
    assert second.headers["range"] == "bytes=0-"
    assert "authorization" in first.headers
    assert "authorization" not in second.headers


async def test_a_relative_redirect_stays_on_the_real_host() -> None:
    recorder = Recorder(redirect("../other.mp4"))
    async with fetching(VIDEOS, recorder) as fetcher:
        await fetched(fetcher, f"https://{HOST}/a/v.mp4")
    assert recorder.requests[1].headers["host"] == HOST
    assert recorder.requests[1].url.path == "/other.mp4"


@pytest.mark.parametrize(
    "location",
    [
        "http://" + HOST + "/v.mp4",
        "https://169.254.169.254/latest",
        "https://evil.example/",
        "//127.0.0.1/",
        "file:///etc/passwd",
        f"https://a:b@{HOST}/",
        "https://evil.example\\@" + HOST,
        f"https://{HOST}:99999/",
        "javascript:alert(1)",
        "data:video/mp4,0",
        "https://[::1",
        "https://xn--\u00e9/",
        "caf\u00e9.mp4",
        b"caf\xe9.mp4",
        b"\xff\xfe\x80",
        "https://" + "a" * 64 + ".test/",
        "//%00/",
        "https://h:\u0663/",
    ],
)
async def test_a_redirect_is_checked_like_any_url(location: str | bytes) -> None:
    recorder = Recorder(redirect(location))
    async with fetching(VIDEOS, recorder) as fetcher:
        with pytest.raises(Refused):
            await fetched(fetcher, f"https://{HOST}/v.mp4")
    assert len(recorder.requests) == 1


async def test_a_redirect_to_an_allowed_name_that_leads_inside_is_refused() -> None:
    recorder = Recorder(redirect("https://asset.1min.ai/"))
    resolver = resolving(PUBLIC, asset_1min_ai=["10.0.0.7"])
    async with fetching(VIDEOS, recorder, resolver=resolver) as fetcher:
        with pytest.raises(Refused, match=r"asset\.1min\.ai leads to"):
            await fetched(fetcher, f"https://{HOST}/v.mp4")
    assert len(recorder.requests) == 1


async def test_three_redirects_are_followed_and_no_fourth() -> None:
    hop = f"https://{HOST}/again"
    recorder = Recorder(*(redirect(hop) for _ in range(3)))
    async with fetching(VIDEOS, recorder) as fetcher:
        assert await fetched(fetcher, hop) == b"video"
    recorder = Recorder(*(redirect(hop) for _ in range(4)))
    async with fetching(VIDEOS, recorder) as fetcher:
        with pytest.raises(Refused, match="too many"):
            await fetched(fetcher, hop)
    assert len(recorder.requests) == 4


@pytest.mark.parametrize(
    ("policy", "method"),
    [(FetchPolicy(hosts=None, max_redirects=0), "GET"), (ANY_HOST, "POST")],
)
async def test_a_redirect_can_be_an_answer(policy: FetchPolicy, method: str) -> None:
    recorder = Recorder(redirect("https://elsewhere.example/"))
    async with (
        fetching(policy, recorder) as fetcher,
        fetcher.stream(
            "https://hooks.example/in", method=method, headers={"Content-Type": "text/plain"}
        ) as response,
    ):
        assert response.status_code == 302
    assert [request.method for request in recorder.requests] == [method]
