"""Those who look after others' videos, and a member's webhooks, in Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.harness.browser import browsing
from tests.harness.wheel import Installed
from tests.web.first_start import first_start

SCRIPT = Path(__file__).with_name("desk.mjs")
VIDEO = {"feature": "TEXT_TO_VIDEO", "model": "ray-v3", "duration": "5s"}


class _Receiver(BaseHTTPRequestHandler):
    """Takes what is sent, but for what goes to `/broken`."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(500 if self.path == "/broken" else 204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def receiving() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def hook() -> Iterator[str]:
    with receiving() as address:
        yield address


def test_everybody_at_what_they_look_after(package: Installed, hook: str, tmp_path: Path) -> None:
    with first_start(package, REELGATE_WEBHOOK_INTERNAL_ORIGINS=hook) as started:
        root = started.calls()
        team = root.post("/admin/teams", {"name": "films"})["id"]
        people = {}
        for name, role in (("lead", "ADMIN"), ("ada", "MEMBER")):
            member = root.post(f"/admin/teams/{team}/members", {"name": name, "role": role})
            made = root.post(f"/admin/teams/{team}/members/{member['id']}/keys", {"name": "hers"})
            people[name] = made["secret"]
        lead, ada = started.calls(people["lead"]), started.calls(people["ada"])
        lead.post("/webhooks/endpoints", {"url": f"{hook}/broken", "team_wide": True})
        boat = ada.post("/generations", {**VIDEO, "prompt": "a paper boat"}, prefer="wait=500")
        assert boat["state"] == "succeeded"
        for animal in ("fox", "owl"):
            lost = ada.post(
                "/generations",
                {**VIDEO, "prompt": f"[sim:reset_after] a {animal}"},
                prefer="wait=500",
            )
            assert lost["state"] == "unknown"
        words = (started.api.address, started.link, people["lead"], people["ada"], boat["id"], hook)
        with browsing(tmp_path, SCRIPT, *words) as script:
            assert "1" in script.step("desk").split()
            assert script.step("in flight") == "/app/desk/generations?state=open"
            assert script.step("story") == 1
            assert re.fullmatch(r"\d+ deliver(y is|ies are) sent again\.", script.step("resent"))
            pages = script.step("pages of a lead")
            assert {"Generations", "Deliveries"} <= set(pages)
            assert "Sign-ins" not in pages
            assert script.step("upstream") == 0
            assert script.step("secret").startswith("whsec_")
            script.ends_well()
