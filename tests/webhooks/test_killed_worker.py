"""A worker that dies between sending a webhook and writing that down: it is sent again, under the
same id. And the receiver of docs/webhooks.md, as it stands."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

from tests.harness import database
from tests.harness.processes import environment, until
from tests.promises.site import Caller, site
from tests.structure.documents import fences
from tests.upstream.loopback import refusing


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


def test_the_documented_receiver(postgres: database.Server, tmp_path: Path) -> None:
    (example,) = [code for spoken, code in fences(Path("docs/webhooks.md")) if spoken == "python"]
    with (
        # Until the receiver listens there; nobody else is given the port meanwhile.
        refusing() as origin,
        postgres.fresh() as address,
        site(address, tmp_path, REELGATE_WEBHOOK_INTERNAL_ORIGINS=origin) as place,
    ):
        api = place.start_api()
        caller = place.caller(api, "documented")
        created, callback, *_ = (
            code.replace("http://127.0.0.1:8080", api.address)
            .replace("https://hooks.example.com", origin)
            for spoken, code in fences(Path("docs/webhooks.md")) if spoken == "sh"
        )  # fmt: skip
        shell = environment(tmp_path, {"REELGATE_URL": api.address, "REELGATE_KEY": caller.key})
        for command, shown in ((created, '"webhook_endpoint"'), (callback, "whsec_")):
            said = subprocess.run(
                ["bash", "-c", command], env=shell, cwd=tmp_path, capture_output=True, text=True,
                check=True,
            )  # fmt: skip
            assert shown in said.stdout
        endpoint = caller.get("/api/v1/webhooks/endpoints").json()["data"][0]["id"]
        rotated = caller.http.post(
            f"/api/v1/webhooks/endpoints/{endpoint}/rotate", headers={"API-KEY": caller.key}
        ).json()
        given = {"WEBHOOK_SECRET": rotated["secret"], "PORT": origin.rpartition(":")[2]}
        with subprocess.Popen(
            [sys.executable, "-c", example], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, cwd=tmp_path, env=environment(tmp_path, given),
        ) as receiver:  # fmt: skip
            tried = until(lambda: works(caller, endpoint), "the receiver listens")
            assert tried["type"] == "webhook.test"
            # Links in what is told are made by the worker.
            place.worker(REELGATE_PUBLIC_URL=api.address)
            made = caller.create("printed by the receiver")
            assert receiver.stdout is not None
            printed = receiver.stdout.readline().split()
            receiver.terminate()
        assert printed[0] == made
        assert caller.http.get(printed[1]).content[4:8] == b"ftyp"


def works(caller: Caller, endpoint: str) -> dict[str, Any] | None:
    tried: dict[str, Any] = caller.http.post(
        f"/api/v1/webhooks/endpoints/{endpoint}/test", headers={"API-KEY": caller.key}
    ).json()
    return tried if tried["state"] == "delivered" else None
