"""What operators need is on a port that callers do not reach."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.domain.operators import Pause
from app.errors import ConfigurationError
from app.http import ops
from app.http.ops import create_operations
from app.listener import listening
from app.main import create_app
from app.operators import gauges, pauses, startup
from app.processes import _operations
from app.runtime import ApiRuntime, Runtime
from app.settings import Profile
from tests.harness.gateway import Gateway, gateway
from tests.simulator.conftest import until

#: Nothing listens here: these tests ask the application itself.
PORT = 1


@pytest.fixture
async def apart(database_url: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway without a worker that has an operations port."""
    async with gateway(database_url, tmp_path, worker=False, operations_port=PORT) as running:
        yield running


def operators(gate: Gateway) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_operations(gate.rt))
    return httpx.AsyncClient(transport=transport, base_url="http://operations")


async def test_callers_get_no_metrics_and_no_details(apart: Gateway) -> None:
    await pauses.set_paused(apart.rt, Pause.ADMISSION, paused=True, reason="odd", actor="test")
    refused = await apart.http.get("/metrics")
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    ready = await apart.http.get("/readyz")
    assert ready.status_code == 503
    assert ready.headers["Retry-After"] == "2"
    assert ready.json() == {
        "status": "not_ready",
        "checks": {
            "database": {"ok": True}, "migrations": {"ok": True}, "worker": {"ok": False},
        },
    }  # fmt: skip
    assert (await apart.http.get("/livez")).json() == {"status": "ok"}


async def test_operators_get_them_all(apart: Gateway) -> None:
    await apart.http.get("/livez")
    await pauses.set_paused(apart.rt, Pause.ADMISSION, paused=True, reason="odd", actor="test")
    async with operators(apart) as http:
        measured = await http.get("/metrics")
        assert 'reelgate_http_requests_total{method="GET",route="/livez"' in measured.text
        ready = (await http.get("/readyz")).json()
        assert ready["checks"]["worker"]["detail"] == "none registered"
        assert "by an operator" in ready["checks"]["paused"]["detail"]
        assert (await http.get("/livez")).status_code == 200
        refused = await http.get("/api/v1/me")
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
        assert (await http.post("/metrics")).status_code == 405


@pytest.mark.parametrize(
    ("profile", "port", "shown"),
    [(Profile.DEVELOPMENT, 0, True), (Profile.DEVELOPMENT, PORT, False),
     (Profile.PRODUCTION, 0, False), (Profile.PRODUCTION, PORT, False)],
)  # fmt: skip
async def test_only_in_development_are_metrics_on_the_callers_port(
    still_gate: Gateway, profile: Profile, port: int, shown: bool
) -> None:
    changes = {"profile": profile, "operations_port": port}
    still_gate.rt.settings = still_gate.rt.settings.model_copy(update=changes)
    transport = httpx.ASGITransport(create_app(still_gate.rt))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        assert ((await http.get("/metrics")).status_code == 200) is shown
        assert ("version" in (await http.get("/readyz")).json()) is shown


async def test_the_port_is_listened_on_while_the_api_runs(still_gate: Gateway) -> None:
    with listening("127.0.0.1", 0, "REELGATE_PORT") as found:
        port = found.getsockname()[1]
    changes = {"operations_port": port}
    still_gate.rt.settings = still_gate.rt.settings.model_copy(update=changes)
    address = f"http://127.0.0.1:{port}/metrics"
    facts = startup.facts(still_gate.rt.settings, api=True, embedded=False)
    assert facts["metrics"] == address
    async with httpx.AsyncClient(trust_env=False, timeout=120) as http:
        async with _operations(still_gate.rt):
            assert "reelgate_database_up 1.0" in (await http.get(address)).text
        with pytest.raises(httpx.ConnectError):
            await http.get(address)


async def test_where_metrics_are_nowhere_the_start_says_so(still_gate: Gateway) -> None:
    settings = still_gate.rt.settings
    facts = startup.facts(settings, api=True, embedded=False)
    assert "metrics" not in facts, "in development they are on the callers' port"
    production = settings.model_copy(update={"profile": Profile.PRODUCTION})
    facts = startup.facts(production, api=True, embedded=False)
    assert facts["metrics"] == "nowhere: set REELGATE_OPERATIONS_PORT"
    assert "metrics" not in startup.facts(production, api=False, embedded=False)


async def test_a_port_that_is_taken_is_named(still_gate: Gateway) -> None:
    with listening("127.0.0.1", 0, "REELGATE_PORT") as taken:
        changes = {"operations_port": taken.getsockname()[1]}
        still_gate.rt.settings = still_gate.rt.settings.model_copy(update=changes)
        with pytest.raises(ConfigurationError, match="set REELGATE_OPERATIONS_PORT to a free one"):
            async with _operations(still_gate.rt):
                pass


async def test_however_many_ask_the_database_is_asked_once_at_a_time(
    apart: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody needs a key for this, and all connections to the database are soon taken."""
    asked, answer = [0, 0], asyncio.Event()
    ready, refresh = ops.readiness, gauges.refresh

    async def readiness(rt: ApiRuntime) -> dict[str, dict[str, Any]]:
        asked[0] += 1
        await answer.wait()
        return await ready(rt)

    async def refreshed(rt: Runtime) -> None:
        asked[1] += 1
        await answer.wait()
        await refresh(rt)

    monkeypatch.setattr(ops, "readiness", readiness)
    monkeypatch.setattr(gauges, "refresh", refreshed)
    async with operators(apart) as http:
        crowd = [
            asyncio.create_task(http.get(path)) for path in ("/readyz", "/metrics") for _ in "many"
        ]

        async def all_there() -> bool:
            return asked == [1, 1]

        await until(all_there)
        crowd[0].cancel()
        answer.set()
        answers = await asyncio.gather(*crowd[1:])
        assert [each.status_code for each in answers] == [503] * 3 + [200] * 4
        assert asked == [1, 1]
        assert (await http.get("/readyz")).json()["checks"]["database"] == {"ok": True}
        assert asked == [2, 1]
