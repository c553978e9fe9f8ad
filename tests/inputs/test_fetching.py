"""Images that are fetched by their URL."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.gateway import Gateway, gateway
from tests.harness.pictures import picture
from tests.inputs.calling import call
from tests.upstream.loopback import Connection, Server, http, serving
from tests.videos.videos import files_in

SECRET = "presigned-canary"


@contextlib.asynccontextmanager
async def pictures(database_url: str, folder: Path, **settings: Any) -> AsyncIterator[Gateway]:
    """A gateway that may fetch from a server on loopback."""

    async def answer(connection: Connection) -> None:
        path = (await connection.request()).path.partition("?")[0]
        if path == "/moved.png":
            await connection.send(http(302, b"", "Location: http://127.0.0.1:9/x.png"))
        elif path == "/missing.png":
            await connection.send(http(404))
        elif path == "/page.html":
            await connection.send(http(200, b"<!DOCTYPE html>"))
        elif path == "/endless.png":
            await connection.send(http(200, bytes(200_000)))
        else:
            await connection.send(http(200, picture("JPEG")))

    async with (
        serving(answer) as server,
        gateway(
            database_url, folder, worker=False, input_internal_origins=(server.url,), **settings
        ) as gate,
    ):
        gate.pictures = server  # type: ignore[attr-defined]
        yield gate


def server_of(gate: Gateway) -> Server:
    server: Server = gate.pictures  # type: ignore[attr-defined]
    return server


async def test_an_image_is_fetched_by_its_url(database_url: str, tmp_path: Path) -> None:
    async with pictures(database_url, tmp_path) as gate:
        key = await gate.member()
        url = f"{server_of(gate).url}/lion.jpg?signature={SECRET}"
        answer = await call(gate, key, "POST", json={"url": url})
        assert answer.status_code == 201, answer.text
        assert answer.json()["content_type"] == "image/jpeg"
        assert SECRET not in answer.text
        [asked] = server_of(gate).requests
        assert "api-key" not in asked.headers
        assert key not in str(asked.headers)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/missing.png", "status 404"),
        ("/page.html", "none of PNG, JPEG, WebP"),
        ("/moved.png", "Only https is fetched"),
    ],
)
async def test_what_cannot_be_fetched_is_said_without_the_url(
    database_url: str, tmp_path: Path, path: str, said: str
) -> None:
    async with pictures(database_url, tmp_path) as gate:
        key = await gate.member()
        url = f"{server_of(gate).url}{path}?signature={SECRET}"
        answer = await call(gate, key, "POST", json={"url": url})
        assert answer.status_code == 422, answer.text
        assert said in answer.text
        assert SECRET not in answer.text
        assert answer.json()["errors"][0]["field"] == "url"


async def test_no_more_is_fetched_than_may_be_kept(database_url: str, tmp_path: Path) -> None:
    async with pictures(database_url, tmp_path, max_input_bytes=100_000) as gate:
        key = await gate.member()
        url = f"{server_of(gate).url}/endless.png"
        answer = await call(gate, key, "POST", json={"url": url})
        assert answer.status_code == 413
        folder = gate.rt.settings.data_dir / "archive"
        assert not folder.exists() or files_in(folder) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://pictures.example/lion.png",
        "https://127.0.0.1/lion.png",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/lion.png",
        "https://user:word@pictures.example/lion.png",
        "file:///etc/passwd",
        "ftp://pictures.example/lion.png",
        "lion.png",
        "https://pictures.example:22/lion.png",
        "data:text/html;base64,AAAA",
        "data:image/png;base64,%%%",
        "",
    ],
)
async def test_other_addresses_are_refused(still_gate: Gateway, url: str) -> None:
    key = await still_gate.member()
    answer = await call(still_gate, key, "POST", json={"url": url})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == "url"


async def test_a_url_may_hold_the_image(still_gate: Gateway) -> None:
    key, content = await still_gate.member(), picture("WEBP")
    url = "data:image/webp;base64," + base64.b64encode(content).decode()
    answer = await call(still_gate, key, "POST", json={"url": url})
    assert answer.status_code == 201, answer.text
    assert answer.json()["size_bytes"] == len(content)


async def test_a_url_is_all_there_is(still_gate: Gateway) -> None:
    key = await still_gate.member()
    for body, field in (({"url": "https://x.example", "size": 1}, "size"), ({}, "url")):
        answer = await call(still_gate, key, "POST", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == field
