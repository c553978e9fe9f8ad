"""A page of another origin calls the gateway: Chromium, a real server, and nothing between."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from app.domain.limits import Limits
from tests.harness.browser import browsing
from tests.promises.site import PRICE, site

PAGES = Path(__file__).parent / "browser" / "pages.mjs"


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = b"<!doctype html><title>A page</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def origin() -> Iterator[str]:
    """The address of a server of pages."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_page_of_a_named_origin_may_and_another_may_not(
    database_url: str, tmp_path: Path
) -> None:
    with (
        origin() as listed,
        origin() as stranger,
        site(database_url, tmp_path / "site", REELGATE_CORS_ORIGINS=listed) as place,
    ):
        api = place.start_api()
        place.worker()
        caller = place.caller(api.ready(), "ada", limits=Limits())
        words = (listed, stranger, api.address, caller.key)
        with browsing(tmp_path, PAGES, *words) as script:
            found = json.loads(script.rest())
        read = found.pop("read")
        assert caller.me()["credits"]["binding"]["used_credits"] == PRICE
    assert read.pop("Location").startswith(f"{api.address}/dream-machine/v1/generations/")
    assert read.pop("RateLimit").startswith('"member";r=')
    assert read.pop("RateLimit-Policy").startswith('"member";q=')
    assert read == {
        "X-Request-Id": "from-a-page",
        "Reelgate-Adjusted": "duration=9s->10s",
        "Reelgate-Upstream": "simulator",
        "Preference-Applied": "wait=0",
        "Idempotent-Replayed": None,
    }
    assert found == {
        "created": 201,
        "replayed": "true",
        "same": True,
        "part": [206, "ftyp", "bytes 4-7"],
        "etag": True,
        "wrong": [400, "invalid_request", ["prompt", "model"]],
        "nobody": [401, "unauthenticated"],
        "unnamed": "TypeError",
        "stranger": ["TypeError"] * 3,
    }
