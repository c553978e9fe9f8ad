"""A worker that dies between sending a webhook and writing that down: it is sent again, under the
same id."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

from tests.harness import database
from tests.harness.processes import until
from tests.promises.site import Caller, site


class Hooks:
    """Keeps what came; the first answer is held back until `release`."""

    def __init__(self) -> None:
        self.came: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()
        self.release = threading.Event()
        self._first = True

    def take(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        first, self._first = self._first, False
        self.came.put((dict(request.headers), body))
        if first:
            self.release.wait(60)
            return
        request.send_response(204)
        request.end_headers()


@contextmanager
def listening(hooks: Hooks) -> Iterator[str]:
    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hooks.take(self)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        hooks.release.set()
        server.shutdown()
        server.server_close()


def post(caller: Caller, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = caller.http.post(f"/api/v1/webhooks{path}", json=body, headers={"API-KEY": caller.key})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def delivered(caller: Caller, generation_id: str) -> dict[str, Any] | None:
    found = caller.get(f"/api/v1/webhooks/deliveries?generation_id={generation_id}").json()["data"]
    return found[0] if found and found[0]["state"] == "delivered" else None


def test_it_is_sent_again_under_the_same_id(postgres: database.Server, tmp_path: Path) -> None:
    hooks = Hooks()
    with (
        listening(hooks) as origin,
        postgres.fresh() as address,
        site(address, tmp_path, REELGATE_WEBHOOK_INTERNAL_ORIGINS=origin) as place,
    ):
        api = place.start_api()
        caller = place.caller(api, "told")
        secret = post(caller, "/endpoints", {"url": f"{origin}/hook"})["secret"]
        doomed = place.worker()
        made = caller.create("told by a worker that dies")
        first_headers, first_body = hooks.came.get(timeout=120)
        place.kill(doomed)
        place.worker()
        second_headers, second_body = hooks.came.get(timeout=120)
        for headers, body in ((first_headers, first_body), (second_headers, second_body)):
            event = Webhook(secret).verify(body, headers)
            assert (event["type"], event["data"]["id"]) == ("video.completed", made)
        assert first_headers["webhook-id"] == second_headers["webhook-id"]
        shown = until(lambda: delivered(caller, made), "it is delivered")
        assert shown["attempt_count"] == 1, "the try of the dead one was never written down"
        assert secret not in place.logs()
