"""What a browser is told about pages of other origins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness.gateway import Gateway, body, gateway
from tests.http.logs import logging_to

STUDIO = "https://studio.example"
LOCAL = "http://127.0.0.1:3000"
STRANGER = "https://stranger.example"
SENT = (
    "API-KEY", "Authorization", "Content-Type", "Idempotency-Key", "Prefer", "Last-Event-ID",
    "X-Request-Id", "Range", "x-stainless-retry-count", "X-Stainless-Read-Timeout", "User-Agent",
    "Reelgate-Metadata", "X-OpenRouter-Title",
)  # fmt: skip
READ = (
    "X-Request-Id", "Retry-After", "RateLimit", "RateLimit-Policy", "Location",
    "Idempotent-Replayed", "Reelgate-Adjusted", "Reelgate-Upstream", "Content-Range",
    "Accept-Ranges", "ETag", "Preference-Applied",
)  # fmt: skip
EDGES = ("/api/features", "/api/v1/generations", "/dream-machine/v1/generations/video",
         "/luma/v1/generations", "/openrouter/api/v1/videos", "/v1/videos", "/media/x")  # fmt: skip


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway without a worker that two origins may call."""
    origins = (STUDIO, LOCAL)
    async with gateway(database_url, tmp_path, worker=False, cors_origins=origins) as running:
        yield running


async def preflight(
    gate: Gateway, path: str, *, origin: str = STUDIO, headers: tuple[str, ...] = SENT
) -> httpx.Response:
    requested = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    if headers:
        requested["Access-Control-Request-Headers"] = ",".join(name.lower() for name in headers)
    return await gate.http.options(path, headers=requested)


def listed(answer: httpx.Response, name: str) -> set[str]:
    return {word.strip().lower() for word in answer.headers.get(name, "").split(",") if word}


@pytest.mark.parametrize("path", EDGES)
async def test_a_page_may_ask_before_it_sends(studio: Gateway, path: str) -> None:
    answer = await preflight(studio, path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == STUDIO
    assert listed(answer, "Access-Control-Allow-Headers") == {name.lower() for name in SENT}
    methods = listed(answer, "Access-Control-Allow-Methods")
    assert {"get", "post", "delete", "patch"} <= methods
    assert int(answer.headers["Access-Control-Max-Age"]) > 0
    assert "origin" in listed(answer, "Vary")
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize("header", ["cookie", "x-forwarded-for", "x-stainless-\u00e4", "x_y", ""])
async def test_other_headers_are_not_allowed(studio: Gateway, header: str) -> None:
    requested = {"Origin": STUDIO, "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": f"api-key, {header}"}  # fmt: skip
    answer = await studio.http.options(
        "/api/features",
        headers=[(name.encode(), value.encode("latin-1")) for name, value in requested.items()],
    )
    assert listed(answer, "Access-Control-Allow-Headers") == {"api-key"}
    bare = await preflight(studio, "/api/features", headers=())
    assert (bare.status_code, listed(bare, "Access-Control-Allow-Headers")) == (204, set())


@pytest.mark.parametrize(
    "origin", [STRANGER, "null", f"{STUDIO}.stranger.example", f"{STUDIO}:8443",
               "http://studio.example", ""],
)  # fmt: skip
async def test_other_origins_are_told_nothing(studio: Gateway, origin: str) -> None:
    key = await studio.member()
    refused = await preflight(studio, "/api/features", origin=origin)
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    headers = {"Origin": origin, "API-KEY": key}
    read = await studio.http.get("/api/v1/me", headers=headers)
    assert read.status_code == 200
    for answer in (refused, read):
        assert "origin" in listed(answer, "Vary")
        assert [name for name in answer.headers if name.startswith("access-control-")] == []


async def test_a_page_reads_what_it_made(studio: Gateway) -> None:
    key = await studio.member()
    answer = await studio.create(key, body(), Origin=LOCAL)
    assert answer.status_code == 202
    assert answer.headers["Access-Control-Allow-Origin"] == LOCAL
    assert listed(answer, "Access-Control-Expose-Headers") >= {name.lower() for name in READ}
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("path", EDGES)
async def test_a_page_reads_errors_too(studio: Gateway, path: str) -> None:
    key = await studio.member()
    requests: list[tuple[str, dict[str, Any]]] = [
        ("POST", {}), ("GET", {}), ("PUT", {"API-KEY": key}), ("POST", {"API-KEY": key}),
    ]  # fmt: skip
    for method, headers in requests:
        answer = await studio.http.request(
            method, path, headers={"Origin": STUDIO, **headers}, content=b"{"
        )
        assert answer.status_code >= 400
        assert answer.headers["Access-Control-Allow-Origin"] == STUDIO


async def test_a_page_reads_a_fault_too(studio: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    key = await studio.member()

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("app.http.creation.admit", broken)
    answer = await studio.create(key, body(), Origin=STUDIO)
    assert answer.status_code == 500
    assert answer.headers["Access-Control-Allow-Origin"] == STUDIO


async def test_the_schemes_own_port_and_capitals_make_no_difference(
    database_url: str, tmp_path: Path
) -> None:
    named = ("https://Studio.example:443",)
    async with gateway(database_url, tmp_path, worker=False, cors_origins=named) as gate:
        answer = await preflight(gate, "/api/features")
        assert answer.headers["Access-Control-Allow-Origin"] == STUDIO


async def test_without_named_origins_only_a_preflight_is_told_why(still_gate: Gateway) -> None:
    answer = await preflight(still_gate, "/api/v1/me")
    assert (answer.status_code, answer.json()["setting"]) == (403, "REELGATE_CORS_ORIGINS")
    assert [name for name in answer.headers if name.startswith("access-control-")] == []
    assert (await still_gate.http.options("/api/v1/me")).status_code == 405
    answer = await still_gate.http.get("/livez", headers={"Origin": STUDIO})
    assert [name for name in answer.headers if name.startswith("access-control-")] == []
    assert "Vary" not in answer.headers


@pytest.mark.parametrize(
    ("origin", "named"),
    [
        (b"https://stranger.example", "https://stranger.example"),
        (b"null", "null"),
        (b"\x1b[2J<script>\xc2", "\\x1b[2J<script>\u00c2"),
        (b"https://" + b"a" * 5_000, "https://" + "a" * 262),
        (b"", ""),
    ],
)
async def test_a_refusal_names_the_origin_and_the_setting(
    studio: Gateway, capsys: pytest.CaptureFixture[str], origin: bytes, named: str
) -> None:
    requested = {b"Origin": origin, b"Access-Control-Request-Method": b"POST"}
    with logging_to(capsys) as log:
        answer = await studio.http.options("/v1/videos", headers=requested)
        refused, request = log.lines()
    assert answer.status_code == 403
    body = answer.json()
    assert body["detail"] == (
        f"Pages of the origin '{named}' may not call this gateway: "
        "REELGATE_CORS_ORIGINS does not list it."
    )
    assert (body["origin"], body["setting"]) == (named, "REELGATE_CORS_ORIGINS")
    assert (refused["event"], refused["origin"]) == ("preflight_refused", named)
    assert (refused["setting"], refused["path"]) == ("REELGATE_CORS_ORIGINS", "/v1/videos")
    assert request["error"] == "permission_denied"
