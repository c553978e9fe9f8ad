"""A path that leads nowhere is named, with the one that was probably meant."""

from __future__ import annotations

import pytest

from app.http.paths import missing
from tests.harness.gateway import Gateway

KNOWN = [
    "/api/features", "/api/v1/generations", "/api/v1/generations/{generation_id}", "/v1/videos",
    "/v1/videos/{video_id}", "/v1/videos/{video_id}/content", "/dream-machine/v1/generations",
    "/media/{generation_id}", "/metrics",
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/v1/videos/", "/v1/videos"),
        ("//api/features", "/api/features"),
        ("/videos", "/v1/videos"),
        ("/videos/video_1/content", "/v1/videos/video_1/content"),
        ("/v1/v1/videos", "/v1/videos"),
        ("/api/v1/v1/videos", "/v1/videos"),
        ("/api/v1/api/features", "/api/features"),
        ("/generations", "/api/v1/generations or /dream-machine/v1/generations"),
        ("/api/feature", "/api/features"),
        ("/api/v1/generation", "/api/v1/generations"),
        ("/metric", "/metrics"),
    ],
)
def test_it_names_what_was_probably_meant(path: str, meant: str) -> None:
    assert missing(path, KNOWN) == f"There is nothing at {path}. Did you mean {meant}?"


@pytest.mark.parametrize(
    "path", ["/", "/wp-login.php", "/favicon.ico", "/video_1", "/api", "/v1/videos" + "/x" * 200]
)
def test_it_guesses_no_further(path: str) -> None:
    sentence = missing(path, KNOWN)
    assert sentence.startswith("There is nothing at /")
    assert "mean" not in sentence
    assert len(sentence) < 120


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/v1/videos/", "/v1/videos"),
        ("//api/features", "/api/features"),
        ("/videos", "/v1/videos"),
        ("/v1/v1/videos", "/v1/videos"),
        ("/api/v1/generations/", "/api/v1/generations"),
        ("/api/v1/nothing", None),
        ("/dream-machine/v1/generation", "/dream-machine/v1/generations"),
        ("/luma/v1/generations/", "/luma/v1/generations"),
        ("/openrouter/api/v1/videos/", "/openrouter/api/v1/videos"),
    ],
)
async def test_every_dialect_says_so(still_gate: Gateway, path: str, meant: str | None) -> None:
    # As a whole address: a client takes what follows two slashes for a host.
    answer = await still_gate.http.get(str(still_gate.http.base_url).rstrip("/") + path)
    assert answer.status_code == 404
    assert f"There is nothing at {path}." in answer.text
    assert (f"Did you mean {meant}" in answer.text) is (meant is not None), answer.text
