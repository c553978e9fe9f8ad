"""The built pages as a browser gets them. What they are made of is in `web/`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.web import built
from tests.harness.gateway import Gateway, gateway
from tests.web.browser import browser

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
INDEX = '<!doctype html><html><head><base href="./" /></head><body></body></html>'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Built pages of one script, in place of the real ones."""
    place = tmp_path / "dist"
    (place / "assets").mkdir(parents=True)
    (place / "index.html").write_text(INDEX)
    (place / "assets" / "index-abc.js").write_text("let odd = 1")
    (place / "assets" / "index-abc.js.br").write_bytes(b"brotli")
    (place / "assets" / "index-abc.js.gz").write_bytes(b"gzip")
    monkeypatch.setattr(built, "FOLDER", place)
    return place


@pytest.fixture
async def client(still_gate: Gateway, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(still_gate) as opened:
        yield opened


@pytest.mark.parametrize(
    ("path", "base"), [("/app/", "./"), ("/app/videos", "./"), ("/app/videos/1/x", "../../")]
)
async def test_every_address_is_the_document_with_the_way_to_its_files(
    client: httpx.AsyncClient, path: str, base: str
) -> None:
    """No path of a proxy is needed for that."""
    answer = await client.get(path, headers=HTML)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert f'<base href="{base}"' in answer.text
    assert answer.headers["cache-control"] == "no-cache"
    again = await client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_policy_has_no_inline_script_and_no_frame(client: httpx.AsyncClient) -> None:
    headers = (await client.get("/app/videos")).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("accepted", "encoding", "content"),
    [
        ("gzip, deflate, br, zstd", "br", b"brotli"),
        ("gzip", "gzip", b"gzip"),
        ("br;q=0, gzip;q=0.5", "gzip", b"gzip"),
        ("identity", None, b"let odd = 1"),
        ("br;q=0.0", None, b"let odd = 1"),
    ],
)
async def test_a_file_is_immutable_and_as_small_as_the_browser_takes_it(
    client: httpx.AsyncClient, accepted: str, encoding: str | None, content: bytes
) -> None:
    request = client.build_request(
        "GET", "/app/assets/index-abc.js", headers={"Accept-Encoding": accepted}
    )
    answer = await client.send(request, stream=True)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert b"".join([part async for part in answer.aiter_raw()]) == content
    await answer.aclose()


async def test_a_file_that_is_not_there_is_no_document(client: httpx.AsyncClient) -> None:
    """A browser would take the document for a script of another release."""
    answer = await client.get("/app/assets/gone.js")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_browser_is_led_to_the_pages_and_a_program_is_not(
    client: httpx.AsyncClient,
) -> None:
    led = await client.get("/", headers=HTML)
    assert (led.status_code, led.headers["location"]) == (307, "/app/")
    assert led.headers["vary"] == "Accept"
    short = await client.get("/app", headers=HTML)
    assert (short.status_code, short.headers["location"]) == (307, "app/")
    assert (await client.get("/")).json()["name"] == "Reelgate"


async def test_below_a_path_the_browser_is_led_below_it(
    database_url: str, tmp_path: Path, folder: Path
) -> None:
    public = "https://video.example.com/below"
    async with gateway(database_url, tmp_path, worker=False, public_url=public) as gate:
        led = await gate.http.get("/", headers=HTML)
        assert led.headers["location"] == "/below/app/"


async def test_without_pages_the_gateway_runs_and_says_how_to_get_them(
    still_gate: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(built, "FOLDER", tmp_path / "nothing")
    async with browser(still_gate) as client:
        answer = await client.get("/app/videos/1", headers=HTML)
        assert answer.status_code == 503
        assert "make pages" in answer.text
        (docs, guides) = re.findall(r'href="([^"]+)"', answer.text)
        assert (docs, guides) == ("../../docs", "../../guides")
        at_home = await client.get("/", headers=HTML)
        assert (at_home.status_code, "A first call" in at_home.text) == (200, True)
