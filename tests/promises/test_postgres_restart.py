"""Postgres restarts while processes run."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.db import migrate
from app.db.server import Server
from app.embedded import embedded_postgres, revive
from tests.harness.database import open_folder
from tests.harness.processes import until
from tests.promises.site import PRICE, Site, assert_paid_once, site


class Crashing:
    """A Postgres server for this test, with its durable default settings."""

    def __init__(self, folder: Path, address: str) -> None:
        self._folder = folder
        self._server = Server(folder / "postgres")
        self.address = address

    def stop(self) -> None:
        """Stops the server like a crash, without finishing anything."""
        pid = self._server.pid()
        assert pid is not None
        os.kill(pid, signal.SIGQUIT)
        until(lambda: self._server.pid() is None, "Postgres has ended")

    def start(self) -> None:
        assert revive(self._folder)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Crashing]:
    with embedded_postgres(tmp_path) as address:
        migrate.upgrade(address)
        yield Crashing(tmp_path, address)


@pytest.fixture
def own_place(server: Crashing, tmp_path: Path) -> Iterator[Site]:
    # Shorter than the outage: only a stopping worker may give up after the drain time.
    with site(server.address, tmp_path / "site", REELGATE_DRAIN_SECONDS="0.5") as running:
        yield running


def test_a_restart_of_postgres_loses_nothing(server: Crashing, own_place: Site) -> None:
    api = own_place.start_api()
    worker = own_place.start_worker()
    caller = own_place.caller(api.ready(), "survivor")
    upstream = own_place.upstream
    prompt = "in flight while Postgres restarts"

    with ThreadPoolExecutor() as threads:
        with upstream.frozen():
            answer = threads.submit(caller.post, prompt)
            made = caller.until_submitting()
            upstream.until_a_request_waits()
            server.stop()

            refusals = [
                caller.post("refused while Postgres is away"),
                caller.get(f"/api/results/{made}"),
                caller.get("/api/v1/generations"),
                caller.get(f"/api/v1/generations/{made}/content"),
                caller.get("/api/v1/me"),
                api.http.get("/readyz"),
            ]
            assert [refused.status_code for refused in refusals] == [503] * len(refusals)
            assert all(refused.headers["Retry-After"] for refused in refusals)
            assert api.http.get("/livez").status_code == 200
            assert "reelgate_database_up 0.0" in api.http.get("/metrics").text
            worker.logged("worker_interrupted")
        until(lambda: upstream.counts(prompt)["made"], "the upstream has answered")
        worker.logged("database_away")

        server.start()
        assert api.ready().running
        assert worker.running
        answered = answer.result()
    assert (answered.status_code, answered.json()["aiRecord"]["status"]) == (200, "SUCCESS")
    assert upstream.counts(prompt) == {"submitted": 1, "made": 1, "billed": PRICE}
    assert upstream.counts("refused while Postgres is away")["submitted"] == 0
    after = caller.create("after the restart")
    assert caller.until_rest(after) == "succeeded"
    assert_paid_once(own_place, caller, {prompt: made, "after the restart": after})
