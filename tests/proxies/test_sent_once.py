"""What a proxy sends again: a POST never, once an API has it. Its caller knows whether that is
safe, and says so with an `Idempotency-Key` when it sends the request again itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.proxies.running import Front, front

HOSTS = ("127.0.0.6", "127.0.0.7")


class _Dying(BaseHTTPRequestHandler):
    """An API that ends when it has read its first request, and another in its place."""

    protocol_version = "HTTP/1.1"
    seen: list[str]

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.seen.append(self.command)
        self.close_connection = len(self.seen) == 1
        if not self.close_connection:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def seen() -> list[str]:
    return []


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def proxy(
    request: pytest.FixtureRequest, seen: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    with ExitStack() as stack:
        port = 0
        for host in HOSTS:
            api = ThreadingHTTPServer((host, port), type("Api", (_Dying,), {"seen": seen}))
            stack.callback(api.server_close)
            threading.Thread(target=api.serve_forever, daemon=True).start()
            stack.callback(api.shutdown)
            port = api.server_port
        folder: Path = tmp_path_factory.mktemp("once")
        yield stack.enter_context(front(request.param, folder, HOSTS, port))


KEYED = {"Idempotency-Key": "one"}


@pytest.mark.parametrize(
    ("method", "headers", "content", "status", "sent"),
    [("GET", {}, b"", 200, 2), ("POST", {}, b"{}", 502, 1), ("POST", KEYED, b"{}", 502, 1),
     ("POST", KEYED, b"", 502, 1)],
    ids=["get", "post", "post-with-key", "post-with-key-without-body"],
)  # fmt: skip
def test_what_got_no_answer(
    proxy: Front, seen: list[str], method: str, headers: dict[str, str], content: bytes,
    status: int, sent: int,
) -> None:  # fmt: skip
    seen.clear()
    answer = proxy.http.request(method, "/api/features", headers=headers, content=content)
    assert (answer.status_code, seen) == (status, [method] * sent)
